"""From a run to a model file that says the same."""

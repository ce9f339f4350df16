"""What an inspector does with photos and a model, without a window: look, decide, keep, hand on."""

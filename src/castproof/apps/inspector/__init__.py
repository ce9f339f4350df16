"""The QA Inspector: a window in which a person looks at photos of castings, sees what a model says, and decides."""

PROGRAM = "QA Inspector"

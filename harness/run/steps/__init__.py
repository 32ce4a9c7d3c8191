"""The kinds of inputs, steps and pictures of a case: one class in one module each, found by being here."""

"""What is said to someone whose file was not taken in."""


class IntakeError(ValueError):
    """A file that was refused; the message is one sentence: what is wrong and what would do."""

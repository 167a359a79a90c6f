"""What is said to someone whose file was not taken in."""


class IntakeError(ValueError):
    """A file that was refused; the message is one sentence: what is wrong and what would do."""


class NeedsShape(IntakeError):
    """The shape of one sample stands nowhere in the file and was not given."""


class NeedsArchitecture(IntakeError):
    """The file holds weights alone, and what they belong to is not known."""


REFUSALS: dict[str, type[IntakeError]] = {
    kind.__name__: kind for kind in (IntakeError, NeedsShape, NeedsArchitecture)
}
"""Name of a refusal -> its kind, for refusals that pass from one process to another."""

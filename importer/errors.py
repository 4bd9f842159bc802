"""Everything that can stop a run; issues and outcomes of rows are values, never exceptions.

ImporterError
├── CannotStart            exit 3
│   ├── SourceError        a source is unreadable, hostile or without rows
│   ├── ColumnsError       columns are missing, taken twice or undecided
│   ├── SettingsError      a setting is absent, malformed or contradicts another
│   ├── JournalError       the journal is busy, damaged or of another version
│   │   ├── NoJournalError there is none yet
│   │   └── MovedJournalError it is somewhere else now
│   └── RunError           the run is unknown, or belongs to another account or environment
├── Stopped                exit 4: what was sent is journaled, `resume` goes on
└── Interrupted            exit 130: by the user, cleanly
"""


def printable(text: str) -> str:
    r"""Write signs that would steer a terminal, or hide what is there, as what programmers write for them.

    >>> print(printable("June \x1b[2J\u202e.csv"))
    June \x1b[2J\u202e.csv
    """
    return text if text.isprintable() else "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class ImporterError(Exception):
    """A run stops, and the message is one sentence for the person who started it; printed, it is one line.

    Attributes:
        exit_code: What the process exits with (the command line's contract).
    """

    exit_code = 70

    def __str__(self) -> str:
        return printable(super().__str__())


class CannotStart(ImporterError):  # noqa: N818 - reads as the statement it makes
    """Nothing was sent: the run could not begin."""

    exit_code = 3


class SourceError(CannotStart):
    """A source cannot be read: what is wrong with it, and what to do."""


class ColumnsError(CannotStart):
    """Columns are missing, claimed twice, or their style cannot be decided; names all of them at once."""


class SettingsError(CannotStart):
    """A setting is absent or malformed; names the setting and its form."""


class JournalError(CannotStart):
    """The journal is held by another sender, damaged, or of a version this program does not know."""


class NoJournalError(JournalError):
    """There is no journal yet, and this command makes none."""


class MovedJournalError(JournalError):
    """The journal was moved to another database, and is used no more."""


class RunError(CannotStart):
    """A run is unknown, or is another account's or environment's."""


class Stopped(ImporterError):  # noqa: N818 - reads as the statement it makes
    """Sending ended before the last row; the journal knows what became of each."""

    exit_code = 4


class Interrupted(ImporterError):  # noqa: N818 - reads as the statement it makes
    """The user interrupted the run; what was in flight is settled or journaled."""

    exit_code = 130

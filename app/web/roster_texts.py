"""The words of the personnel office's pages: faults of files and lines, and how things stand."""

from collections.abc import Mapping

from app.epd.rosters.entries import EntryState
from app.epd.rosters.model import RosterState
from app.epd.rosters.reading import FileFault, LineFault
from app.web.texts import Msgid

FILE_FAULTS: Mapping[FileFault, Msgid] = {
    FileFault.PACKED: Msgid(
        "This is a packed file or an Excel workbook. In Excel, choose Save as, then CSV."
    ),
    FileFault.NOT_TEXT: Msgid("This is not a text file. In Excel, choose Save as, then CSV."),
    FileFault.NO_HEADER: Msgid(
        "The first line does not name the columns. "
        "Use the template and leave its first line as it is."
    ),
    FileFault.NOT_JSON: Msgid("This is not the JSON that we expect: a list of records."),
    FileFault.TOO_MANY_LINES: Msgid("The file has more than a million lines."),
    FileFault.TOO_LARGE: Msgid("The document is too large. Send it as CSV or a record a line."),
}

LINE_FAULTS: Mapping[LineFault, Msgid] = {
    LineFault.UNREADABLE: Msgid("The line cannot be read."),
    LineFault.NUMBER: Msgid("The national number is not right: check its digits."),
    LineFault.NUMBER_SHORTENED: Msgid(
        "Excel has shortened the national number. Format the column as text and enter it again."
    ),
    LineFault.CATEGORY: Msgid("This category of staff is not known. The template shows one."),
    LineFault.STRUCTURE: Msgid("The main structure has three digits."),
    LineFault.BEGIN: Msgid("The first day is missing or is not a date."),
    LineFault.END: Msgid("The last day is missing or is not a date. Every entry has a last day."),
    LineFault.END_BEFORE_BEGIN: Msgid("The last day lies before the first."),
    LineFault.TOO_LONG: Msgid("An entry lasts a year at most. Enter it again next year."),
    LineFault.TOO_FAR: Msgid("The period lies more than a year away."),
    LineFault.OTHER_INSTITUTION: Msgid("The line is about another institution than yours."),
    LineFault.REFERENCE: Msgid(
        "The reference is too long or looks like a national number. Use your own staff number."
    ),
}

ROSTER_STATES: Mapping[RosterState, Msgid] = {
    RosterState.READING: Msgid("Being read"),
    RosterState.DRAFT: Msgid("Draft"),
    RosterState.SUBMITTED: Msgid("Waiting for a second person"),
    RosterState.RELEASED: Msgid("Released"),
    RosterState.APPLIED: Msgid("In force"),
    RosterState.WITHDRAWN: Msgid("Withdrawn"),
}

ENTRY_STATES: Mapping[EntryState, Msgid] = {
    EntryState.RUNS: Msgid("In force"),
    EntryState.BEGINS: Msgid("Begins later"),
    EntryState.ENDED: Msgid("Over"),
    EntryState.TAKEN_OVER: Msgid("Taken over by the personnel file"),
}

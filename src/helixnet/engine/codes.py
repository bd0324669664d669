"""Every error code, in one table: what it means and what to do. ``docs/errors.md`` is made from it.

1xxx a source record, 2xxx the mapping of a record, 3xxx the target document, 4xxx the context,
5xxx the file or its envelope, 6xxx a limit, 7xxx operation of a server.
"""

from typing import Final

from helixnet.engine.code import Code
from helixnet.engine.context_codes import CONTEXT_CODES

CODES: Final[dict[str, Code]] = {
    # 1xxx: a source record
    "HX-1001": Code(
        "bytes do not decode",
        "A record has bytes that the chosen encoding does not know.",
        "Name the right encoding in `source.encoding` (a CSV that Excel saved is often `cp1252`), "
        "or have the sender correct the record.",
    ),
    "HX-1002": Code(
        "wrong number of cells",
        "A CSV row has fewer or more cells than the header.",
        "Look for an unquoted delimiter or a lost line break in that line.",
    ),
    "HX-1003": Code(
        "text after a closing quote",
        "A quoted cell goes on after its closing quote.",
        "Double the quotes inside the cell, or quote the whole cell.",
    ),
    "HX-1004": Code(
        "quote never closed",
        "A quoted cell has no closing quote before the end of the file.",
        "Close the quote; everything from it to the end of the file was taken as one cell.",
    ),
    "HX-1005": Code(
        "not valid JSON",
        "A line or document is not JSON as RFC 8259 says.",
        "Correct the text at the named place.",
    ),
    "HX-1006": Code(
        "duplicate key",
        "A JSON object has the same key twice.",
        "Keep one of them; which one is meant can't be known.",
    ),
    "HX-1007": Code(
        "record is not an object",
        "A JSON record is a text, number, boolean, null or array.",
        "Name the records with `source.record`, or send objects.",
    ),
    "HX-1008": Code(
        "the file ends inside a record",
        "The last record of a file is cut off, so that its document may lack more than is seen.",
        "Send the whole file again; the transfer was probably broken off.",
    ),
    "HX-1009": Code(
        "line too short",
        "A fixed-width line ends before a typed or required field does.",
        "Have the sender write the whole line, or correct `at` of the field.",
    ),
    "HX-1010": Code(
        "nothing to fill down",
        "A cell of a column in `fill_down` is blank on the first row, or below one that is broken.",
        "Have the sender write the value on the first row, or correct that row.",
    ),
    "HX-1011": Code(
        "unknown record type",
        "A line is of no type that `source.records` knows.",
        "Declare the type, or leave such lines out with `on_drift: allow`.",
    ),
    "HX-1012": Code(
        "record without its parent",
        "A line stands under none whose type has it among its `children`.",
        "Have the sender correct the order of the lines, or correct `children`.",
    ),
    "HX-1013": Code(
        "record without its line end",
        "What follows a record of a fixed length is not the `end` that `record_length` declares.",
        "Correct `record_length`, or have the sender pad the record to its length.",
    ),
    "HX-1021": Code(
        "not well-formed XML",
        "A file is not XML as XML 1.0 and Namespaces in XML say.",
        "Correct the text at the named place, or send the whole file again.",
    ),
    "HX-1022": Code(
        "one name, several namespaces",
        "Children of one XML element have the same local name in different namespaces.",
        "Declare `source.namespaces`, and name the elements with their prefix.",
    ),
    "HX-1014": Code(
        "an error in a cell",
        "A cell of a worksheet that is read holds an error such as `#N/A`, or a formula without a "
        "stored value.",
        "Have the sender correct the formula, or open and save the workbook in Excel.",
    ),
    "HX-1024": Code(
        "message not whole",
        "The end of an X12 or EDIFACT message is missing, counts other segments or bears another "
        "control number than its beginning; or HL names a parent that is not there.",
        "Have the sender correct the message and send it again: parts of it may be lost.",
    ),
    "HX-1101": Code(
        "required value missing",
        "A field declared `required: true` is empty, null or absent.",
        "Have the sender fill the field, or drop `required`.",
    ),
    "HX-1102": Code(
        "not a number",
        "A value does not match the strict pattern of a number with the declared separators.",
        "Correct the value, or `decimal`/`thousands` of the source.",
    ),
    "HX-1103": Code(
        "not an integer",
        "A value of an integer field has a fraction or is no number.",
        "Correct the value, or declare the field `decimal`.",
    ),
    "HX-1104": Code(
        "too many digits",
        "A number has more digits, or more digits after the point, than declared.",
        "Correct the value, or raise `digits` or `scale`.",
    ),
    "HX-1105": Code(
        "not a date",
        "A value does not match the declared date format, or names no real day.",
        "Correct the value, or `format` of the field.",
    ),
    "HX-1106": Code(
        "not a boolean",
        "A value is in neither the `true` nor the `false` list.",
        "Correct the value, or list it.",
    ),
    "HX-1107": Code(
        "unequal within a group",
        "A column named in `group.same` differs between lines of one group.",
        "Correct the lines, or take the column out of `same`.",
    ),
    "HX-1108": Code(
        "the file drifted from its contract",
        "A column or field is unknown, missing, doubled or retyped and `on_drift: reject` is set.",
        "Bring the file or `fields` up to date.",
    ),
    "HX-1109": Code(
        "field not in this file",
        "The mapping reads a declared column that the file's header does not have.",
        "Correct the file's header, or the name in the context.",
    ),
    "HX-1110": Code(
        "not a text",
        "A JSON value of a field declared `string` is a boolean, an array or an object.",
        "Correct the value, or leave the field's `type` out.",
    ),
    "HX-1111": Code(
        "not a stored number",
        "The bytes of a field declared `as: packed`, `zoned` or `binary` are no such number, or "
        "negative where `signed: false` is declared.",
        "Compare `at` with the copybook: one byte to the side is the usual reason. Name what means "
        "nothing in `nulls`, such as `LOW-VALUES`.",
    ),
    # 2xxx: the mapping
    "HX-2001": Code(
        "conversion failed",
        "A value can't become the type that the target or a filter needs.",
        "Correct the value, or convert it explicitly in the expression.",
    ),
    "HX-2002": Code(
        "not in the lookup",
        "A key is not in the table and `missing: reject` is set.",
        "Add the key to the table, or choose another `missing` policy.",
    ),
    "HX-2003": Code(
        "not exactly one",
        "`one` found no or several items, `maybe` or a dotted step found several.",
        "Select more exactly, or use `many` or `first`.",
    ),
    "HX-2004": Code(
        "number out of range",
        "A result has more than 38 digits, or a division by zero was asked.",
        "Round earlier, or guard the division with `if`.",
    ),
    "HX-2005": Code(
        "types do not fit",
        "An operator or filter met a value of a type that it does not take.",
        "Convert the value first; nothing is guessed.",
    ),
    "HX-2006": Code(
        "check failed",
        "A condition of `checks` is not true for this document.",
        "The text of the check says what is expected; its own code stands beside it.",
    ),
    "HX-2007": Code(
        "path through a scalar",
        "A dotted path goes through a text, number or boolean.",
        "Correct the path.",
    ),
    "HX-2008": Code(
        "template failed",
        "A `.j2` template raised an error, or its output is not one JSON document.",
        "Render it with the record shown and correct the template.",
    ),
    "HX-2009": Code(
        "not a condition",
        "A text, number, date, list or object stands where true or false is needed.",
        "Compare it, or use `is present` or `is empty`.",
    ),
    # 3xxx: the target document
    "HX-3001": Code(
        "required property missing",
        "The target schema requires a property that came out absent or null.",
        "Map it, give it `or_else`, or have the sender fill its source field.",
    ),
    "HX-3002": Code(
        "wrong type for the target",
        "A value has not the type that the target schema asks.",
        "Convert it in the mapping, or correct the schema.",
    ),
    "HX-3003": Code(
        "not an allowed value",
        "A value is not in the target schema's `enum` or differs from its `const`.",
        "Translate it by a lookup, or extend the schema.",
    ),
    "HX-3004": Code(
        "out of bounds",
        "A value, length or count is below a minimum or above a maximum of the target schema.",
        "Correct the value at its source.",
    ),
    "HX-3005": Code(
        "pattern or format not met",
        "A text does not match `pattern` or `format` of the target schema.",
        "Correct the value at its source or in the mapping.",
    ),
    "HX-3006": Code(
        "property not allowed",
        "The target schema forbids a property that the document has.",
        "Take it out of the mapping, or allow it in the schema.",
    ),
    "HX-3007": Code(
        "target schema not met",
        "Another rule of the target schema does not hold.",
        "The message names the rule.",
    ),
    **CONTEXT_CODES,  # 4xxx: the context
    # 5xxx: the file
    "HX-5001": Code(
        "not a text file",
        "The file has NUL bytes; it is binary, or UTF-16 without being declared.",
        "Send text, or name the encoding.",
    ),
    "HX-5002": Code(
        "header not usable",
        "The CSV header can't be read, has a used name twice, or, without `fields`, lacks one.",
        "Correct the first line of the file, or the name in the context.",
    ),
    "HX-5003": Code(
        "file drifted from its contract",
        "A column or field is unknown, missing, doubled or retyped and `on_drift: fail` is set.",
        "Bring the file or `fields` up to date.",
    ),
    "HX-5004": Code(
        "not this format",
        "The file does not begin as its format must.",
        "Send the right file, or correct `source.format`.",
    ),
    "HX-5005": Code(
        "segment not in the grammar",
        "A segment is unknown or stands where it may not.",
        "Extend the grammar, or set `on_drift: allow`.",
    ),
    "HX-5006": Code(
        "not all good",
        "`on_error.scope: file` is set and a record was rejected.",
        "Correct the rejected records and send the file again.",
    ),
    "HX-5007": Code(
        "too many rejects",
        "More records were rejected than `on_error.stop_at` allows.",
        "Look at the rejects; the file or the context is probably the wrong one.",
    ),
    "HX-5008": Code(
        "counts do not balance",
        "Records in differ from used + rejected + skipped, or documents from written + rejected.",
        "This is a fault of HelixNet: report it with the job's id.",
    ),
    "HX-5009": Code(
        "file changed", "The stored file is not the one that was accepted.", "Send it again."
    ),
    "HX-5010": Code(
        "not the rejects that it stands for",
        "A file of corrected rejects holds more or fewer records than the rejects that it takes.",
        "Name the records that it corrects (`--record`) and send it again: they are open again. "
        "Unchanged rejects differ in number where a quote is open, or where groups that did not "
        "stand side by side do so now: requeue those one by one.",
    ),
    "HX-5011": Code(
        "document type refused",
        "An XML file has a document type (DTD), which could hold entity bombs or name other files.",
        "Have the sender leave the DOCTYPE out.",
    ),
    "HX-5013": Code(
        "envelope not whole",
        "A group or interchange of an X12 or EDIFACT file does not end, counts other messages or "
        "bears another control number at its end; or something stands outside of messages.",
        "Send the whole file again, or have the sender correct it.",
    ),
    "HX-5020": Code(
        "record that must stand once",
        "A record type declared `once` is missing in the file, or stands there twice.",
        "Send the whole file again, or have the sender correct it.",
    ),
    "HX-5021": Code(
        "length of a record",
        "A file with `record_length: rdw` has bytes in place of a length that can be none.",
        "Send the file in binary and with the lengths of its records; else correct "
        "`record_length`.",
    ),
    "HX-5030": Code(
        "file check failed",
        "A condition under `file_checks` does not hold for the file as a whole.",
        "Compare the file with its trailer; have the sender correct it and send it again.",
    ),
    "HX-5040": Code(
        "second file not usable",
        "A file given for a join lacks a column, has a row that can't be read, or a key twice.",
        "Correct the named lines.",
    ),
    "HX-5050": Code(
        "packed file damaged",
        "A gzip, zstd or zip file is cut off, fails its checksum, or has something behind its end.",
        "Send it again; the transfer was probably broken off, or done as text.",
    ),
    "HX-5051": Code(
        "not one file in the zip",
        "A zip holds no file, or several.",
        "Send each file by itself: a job is one file.",
    ),
    "HX-5052": Code(
        "packed in a way that is not read",
        "A file is packed twice, encrypted, by an uncommon method or with a very large window.",
        "Pack it once, by gzip, zstd or as a plain zip.",
    ),
    "HX-5060": Code(
        "workbook not usable",
        "An Excel workbook lacks a part, is not well-formed, or is larger than Excel allows.",
        "Open it in Excel and save it as .xlsx again.",
    ),
    "HX-5061": Code(
        "no such sheet",
        "The workbook has no worksheet of the name or number in `source.sheet`.",
        "Correct `sheet`; the hint names the sheets that are there.",
    ),
    # 6xxx: limits
    "HX-6001": Code(
        "record too long",
        "One record is longer than the limit.",
        "Look for a lost line break; raise `max_record_bytes` if it is right.",
    ),
    "HX-6002": Code(
        "too many columns",
        "A row has more columns, or an XML file more different names, than the limit.",
        "Check the delimiter; names that are data belong into texts or attributes.",
    ),
    "HX-6003": Code(
        "nested too deep", "A document is nested deeper than the limit.", "Flatten it."
    ),
    "HX-6004": Code(
        "took too long",
        "A template or part ran over its time, or the loops of a leaf over their turns.",
        "Simplify the template.",
    ),
    "HX-6005": Code("output too large", "A template or document is over its size.", "Write less."),
    "HX-6006": Code(
        "unpacks to too much",
        "A packed file unpacks to more than its limit, or to far more than its own size.",
        "Send it unpacked or in pieces, or raise `max_unpacked` of the server.",
    ),
    # 7xxx: operation
    "HX-7001": Code(
        "gave up after many attempts",
        "A part failed at every attempt.",
        "An operator finds the traceback with the job; rerun it when the cause is mended.",
    ),
    "HX-7002": Code("no flow matches", "No flow of the tenant takes that name.", "Add a flow."),
    "HX-7003": Code("too large", "The body is over the limit.", "Send less, or raise `max_body`."),
    "HX-7004": Code("storage full", "The data folder has no room.", "Free room; nothing is lost."),
    "HX-7005": Code(
        "request not usable",
        "A parameter, form field or JSON body of a request is missing or of the wrong kind.",
        "Correct what `errors` names; docs/rest.md has an example of each request.",
    ),
    "HX-7006": Code(
        "idempotency key used before",
        "The same `Idempotency-Key` came with another file or context.",
        "Use a new key for a new upload, the old key only to repeat the very same one.",
    ),
}

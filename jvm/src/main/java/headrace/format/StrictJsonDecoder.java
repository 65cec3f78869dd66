package headrace.format;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * Decodes the bytes of one record into a typed row, or into a {@link Reason}: never both, never an
 * exception for any bytes, never a guess. It is the one decoder for the {@code strict-json} format
 * and for whatever else must judge payloads the same way.
 *
 * <p><b>Which reason is reported.</b> The text is read token by token, from the first byte on. A token
 * (a name, a scalar, a bracket) is first checked for grammar and UTF-8, then for what it means here;
 * the first offence ends the reading. Later offences are not looked for, since the record is
 * quarantined whole. One exception: malformed text that is UTF-16 or UTF-32 is {@code not_utf8}.
 *
 * <p>A field that is {@code null} or missing is a NULL: whether it may be is a rule of the contract,
 * not of the decoder, unless the column is declared NOT NULL. Names are compared after their escapes are resolved, byte by byte.
 *
 * <p>Strings of a row are slices of the payload, so the caller must not change the array. A decoder
 * is not thread-safe; it is cheap to make.
 */
public final class StrictJsonDecoder {

    private final List<String> columns;
    private final ValueReader[] readers;
    private final FieldNames names;
    private final boolean rejectUnknown;

    /** By column, what it holds in the row of a bad record: null, unless the type forbids it. */
    private final Object[] empty;

    private final int[] required;
    private final JsonScanner in = new JsonScanner();

    /** The last record in which a column was named, so that no record must reset anything. */
    private final long[] namedIn;

    private long record;
    private int currentColumn = FieldNames.UNKNOWN;

    /**
     * @param type the columns. One that is declared NOT NULL has to be there; in the row of a bad record,
     *     whose columns are all NULL otherwise, it holds its type's empty value.
     * @throws ValidationException for a type that cannot be decoded, naming the column
     */
    public StrictJsonDecoder(RowType type, UnknownFields unknownFields) {
        columns = List.copyOf(type.getFieldNames());
        readers = new ValueReader[columns.size()];
        for (int column = 0; column < readers.length; column++) {
            readers[column] = readerOf(columns.get(column), type.getTypeAt(column));
        }
        names = new FieldNames(columns);
        rejectUnknown = unknownFields == UnknownFields.REJECT;
        namedIn = new long[columns.size()];
        empty = new Object[columns.size()];
        required =
                IntStream.range(0, empty.length).filter(c -> !type.getTypeAt(c).isNullable()).toArray();
        for (int column : required) {
            empty[column] = ValueReader.emptyOf(type.getTypeAt(column));
        }
    }

    private static ValueReader readerOf(String column, LogicalType type) {
        ValueReader reader = ValueReader.of(type);
        if (reader == null) {
            throw new ValidationException(
                    String.format(
                            "strict-json cannot decode column '%s' of type %s. It decodes %s.",
                            column, type.asSummaryString(), ValueReader.SUPPORTED_TYPES));
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(column)) {
            throw new ValidationException(
                    "strict-json cannot find a column whose name is no Unicode text: " + column);
        }
        return reader;
    }

    /**
     * Decodes one record.
     *
     * @param payload the record's value, null for a record without one
     * @param extraFields how many fields to leave NULL after the columns, for the caller to set
     * @return a new row; all its columns are empty if {@link #reason()} is then not null
     */
    public GenericRowData decode(byte[] payload, int extraFields) {
        GenericRowData row = new GenericRowData(readers.length + extraFields);
        currentColumn = FieldNames.UNKNOWN;
        if (payload == null) {
            in.reset(new byte[0]);
            in.fail(Reason.NULL_PAYLOAD);
            clear(row);
            return row;
        }
        in.reset(payload);
        record++;
        if (!readDocument(row) || !hasRequired(row)) {
            clear(row);
            unmaskWideEncoding(payload);
        }
        return row;
    }

    /** Why the last record was not decoded, or null if it was. */
    public Reason reason() {
        return in.reason();
    }

    /**
     * The column whose repeated name or whose value the {@link #reason()} is about, or null if it is
     * about none. It is never a name that only the producer knows: names can be personal data.
     */
    public String field() {
        boolean none = currentColumn == FieldNames.UNKNOWN || in.reason() == null;
        return none ? null : columns.get(currentColumn);
    }

    private boolean readDocument(GenericRowData row) {
        int first = in.next();
        if (first != '{') {
            return failWithoutObject(first);
        }
        in.advance(1);
        if (in.next() == '}') {
            in.advance(1);
        } else if (!readFields(row)) {
            return false;
        }
        return in.next() == JsonScanner.END || in.failHere(Reason.TRAILING_DATA);
    }

    private boolean failWithoutObject(int first) {
        if (first == JsonScanner.END) {
            return in.fail(Reason.EMPTY_PAYLOAD);
        }
        return in.startsWithByteOrderMark()
                ? in.fail(Reason.BYTE_ORDER_MARK)
                : in.failWithValue(Reason.NOT_AN_OBJECT);
    }

    private boolean readFields(GenericRowData row) {
        int previous = FieldNames.UNKNOWN;
        while (true) {
            int column = names.read(in, previous);
            boolean known = column != FieldNames.UNKNOWN;
            if (!(known ? readColumn(row, column) : skipUnknown())) {
                return false;
            }
            previous = known ? column : previous;
            if (in.next() == '}') {
                in.advance(1);
                return true;
            }
            if (!in.expect(',')) {
                return false;
            }
        }
    }

    private boolean readColumn(GenericRowData row, int column) {
        currentColumn = column;
        if (namedIn[column] == record) {
            return in.fail(Reason.DUPLICATE_FIELD);
        }
        namedIn[column] = record;
        if (!in.expect(':')) {
            return false;
        }
        if (in.next() == 'n') {
            if (!in.readLiteral("null")) {
                return false;
            }
        } else {
            Object value = readers[column].read(in);
            if (value == null) {
                return false;
            }
            row.setField(column, value);
        }
        currentColumn = FieldNames.UNKNOWN;
        return true;
    }

    private boolean skipUnknown() {
        if (in.reason() != null) {
            return false; // there was no name
        }
        if (rejectUnknown) {
            return in.fail(Reason.UNKNOWN_FIELD);
        }
        return in.expect(':') && in.skipValue();
    }

    private boolean hasRequired(GenericRowData row) {
        for (int column : required) {
            if (row.getField(column) == null) {
                currentColumn = column;
                return in.fail(Reason.REQUIRED_MISSING);
            }
        }
        return true;
    }

    private void clear(GenericRowData row) {
        for (int column = 0; column < readers.length; column++) {
            row.setField(column, empty[column]);
        }
    }

    /** A wide encoding is only looked for after the fact, so that good records do not pay for it. */
    private void unmaskWideEncoding(byte[] payload) {
        boolean grammar =
                in.reason() == Reason.MALFORMED_JSON || in.reason() == Reason.NOT_AN_OBJECT;
        if (grammar && Utf8.looksWide(payload)) {
            in.fail(Reason.NOT_UTF8);
            currentColumn = FieldNames.UNKNOWN;
        }
    }
}

package headrace.format;

import org.apache.flink.table.data.binary.BinaryStringData;

/** VARCHAR(n) and STRING from a JSON string; n counts code points, as Flink does. */
final class TextReader implements ValueReader {

    private final int maxLength;

    TextReader(int maxLength) {
        this.maxLength = maxLength;
    }

    @Override
    public Object read(JsonScanner in) {
        if (!in.readString()) {
            return null;
        }
        StringToken text = in.string;
        // No text has more code points than bytes, so most need no counting.
        if (text.length() > maxLength
                && Utf8.codePoints(text.bytes, text.from, text.to) > maxLength) {
            in.fail(Reason.STRING_TOO_LONG);
            return null;
        }
        if (text.isSlice()) {
            return new BinaryStringData(in.segments(), text.from, text.length());
        }
        return BinaryStringData.fromBytes(text.bytes, text.from, text.length());
    }
}

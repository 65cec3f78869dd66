package headrace.format;

import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;

/**
 * A cursor over the bytes of one JSON text that knows the grammar of RFC 8259, and no columns.
 *
 * <p>Nothing here throws for any input. A method that finds an offence notes its {@link Reason} and
 * returns false (or null); its callers return at once, so the first offence in the text is the one
 * that is told.
 *
 * <p>Its own parser, because a general one must build tokens, intern names and decode text that a row
 * does not need, and because the lenient corners of the usual ones (byte order marks, UTF-16, lone
 * surrogates, overlong UTF-8) are silent changes of what the producer sent.
 */
final class JsonScanner {

    /** Levels of nesting in a skipped value. The stack of open containers is the bits of one long. */
    static final int MAX_DEPTH = Long.SIZE;

    /** What {@link #next()} returns after the last byte. */
    static final int END = -1;

    final StringToken string = new StringToken();
    final NumberToken number = new NumberToken();

    private byte[] bytes;
    private int limit;
    private int at;
    private Reason reason;
    private MemorySegment[] segments;

    void reset(byte[] payload) {
        bytes = payload;
        limit = payload.length;
        at = 0;
        reason = null;
        segments = null;
    }

    /** The first offence, or null. */
    Reason reason() {
        return reason;
    }

    /** The payload as Flink's strings want it, wrapped once for all strings of the record. */
    MemorySegment[] segments() {
        if (segments == null) {
            segments = new MemorySegment[] {MemorySegmentFactory.wrap(bytes)};
        }
        return segments;
    }

    boolean fail(Reason offence) {
        reason = offence;
        return false;
    }

    /** Fails at the current byte, with not_utf8 where the byte is not even text. */
    boolean failHere(Reason offence) {
        boolean text = at >= limit || bytes[at] >= 0 || Utf8.sequenceLength(bytes, at, limit) > 0;
        return fail(text ? offence : Reason.NOT_UTF8);
    }

    /** Skips whitespace and returns the byte there as 0 to 255, not consumed, or {@link #END}. */
    int next() {
        int i = at;
        while (i < limit) {
            int b = bytes[i] & 0xFF;
            if (b > ' ' || b != ' ' && b != '\n' && b != '\t' && b != '\r') {
                at = i;
                return b;
            }
            i++;
        }
        at = i;
        return END;
    }

    /** Consumes bytes that {@link #next()}, or a comparison by the caller, has seen. */
    void advance(int count) {
        at += count;
    }

    boolean expect(char symbol) {
        if (next() != symbol) {
            return failHere(Reason.MALFORMED_JSON);
        }
        at++;
        return true;
    }

    boolean startsWithByteOrderMark() {
        return Utf8.hasByteOrderMark(bytes);
    }

    /** Whether the bytes at the cursor are these. */
    boolean startsWith(byte[] expected) {
        int length = expected.length;
        if (limit - at < length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (bytes[at + i] != expected[i]) {
                return false;
            }
        }
        return true;
    }

    /** Consumes the string at the cursor; its text is then in {@link #string}, unescaped. */
    boolean readString() {
        if (next() != '"') {
            return wrongType();
        }
        if (!scanString()) {
            return false;
        }
        if (!string.isSlice()) {
            string.unescape();
        }
        return true;
    }

    /** Consumes the number at the cursor into {@link #number}. */
    boolean readNumber() {
        int b = next();
        return b == '-' || b >= '0' && b <= '9' ? scanNumber() : wrongType();
    }

    /** Consumes {@code true}, {@code false} or {@code null}, whose first letter is at the cursor. */
    boolean readLiteral(String literal) {
        for (int i = 0; i < literal.length(); i++, at++) {
            if (at >= limit || bytes[at] != literal.charAt(i)) {
                return failHere(Reason.MALFORMED_JSON);
            }
        }
        return true;
    }

    /** Fails because of the value at the cursor; a scalar that is not even JSON is called that. */
    boolean wrongType() {
        return failWithValue(Reason.WRONG_TYPE);
    }

    boolean failWithValue(Reason offence) {
        int b = next();
        boolean container = b == '{' || b == '[';
        return (container || skipScalar(b)) && fail(offence);
    }

    /** Consumes any value and checks its grammar, without recursion. */
    boolean skipValue() {
        long objects = 0; // bit 0 is the innermost open container: 1 an object, 0 an array
        int depth = 0;
        do {
            int b = next();
            boolean object = b == '{';
            if (object || b == '[') {
                if (depth == MAX_DEPTH) {
                    return fail(Reason.NESTING_TOO_DEEP);
                }
                at++;
                depth++;
                objects = objects << 1 | (object ? 1 : 0);
                if (next() != closing(objects)) {
                    if (object && !skipName()) {
                        return false;
                    }
                    continue; // with the container's first value
                }
            } else if (!skipScalar(b)) {
                return false;
            }
            while (depth > 0 && next() == closing(objects)) {
                at++;
                depth--;
                objects >>>= 1;
            }
            if (depth > 0 && !skipSeparator(objects)) {
                return false;
            }
        } while (depth > 0);
        return true;
    }

    private static int closing(long objects) {
        return (objects & 1) == 1 ? '}' : ']';
    }

    private boolean skipSeparator(long objects) {
        return expect(',') && (closing(objects) == ']' || skipName());
    }

    private boolean skipName() {
        if (next() != '"') {
            return failHere(Reason.MALFORMED_JSON);
        }
        return scanString() && expect(':');
    }

    private boolean skipScalar(int first) {
        return switch (first) {
            case '"' -> scanString();
            case 't' -> readLiteral("true");
            case 'f' -> readLiteral("false");
            case 'n' -> readLiteral("null");
            case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> scanNumber();
            default -> failHere(Reason.MALFORMED_JSON);
        };
    }

    private boolean scanString() {
        Reason offence = string.scan(bytes, at, limit);
        if (offence != null) {
            return fail(offence);
        }
        at = string.end;
        return true;
    }

    private boolean scanNumber() {
        boolean valid = number.scan(bytes, at, limit);
        at = number.end;
        return valid || failHere(Reason.MALFORMED_JSON);
    }
}

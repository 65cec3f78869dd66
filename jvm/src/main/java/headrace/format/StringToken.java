package headrace.format;

/**
 * The last JSON string that was read, as UTF-8 bytes: a slice of the payload where the string has no
 * escapes, so that text is neither decoded nor copied, and bytes of its own where it has.
 *
 * <p>A string is checked completely, for grammar and UTF-8, whether its value is needed or not.
 */
final class StringToken {

    private static final int BAD_ESCAPE = -1;
    private static final int LONE_SURROGATE = -2;

    /** The bytes that {@link #from} and {@link #to} refer to: the payload, or the unescaped text. */
    byte[] bytes;

    int from;
    int to;

    /** Where the JSON text continues: after the closing quote. */
    int end;

    private boolean escaped;

    /**
     * Checks the string whose opening quote is at {@code quote}.
     *
     * @return null if it is well-formed, otherwise what is wrong with it
     */
    Reason scan(byte[] payload, int quote, int limit) {
        bytes = payload;
        from = quote + 1;
        escaped = false;
        int at = from;
        while (at < limit) {
            byte b = payload[at];
            if (b == '"') {
                to = at;
                end = at + 1;
                return null;
            }
            if (b == '\\') {
                escaped = true;
                int length = escapeLength(payload, at, limit);
                if (length < 0) {
                    return length == LONE_SURROGATE ? Reason.LONE_SURROGATE : Reason.MALFORMED_JSON;
                }
                at += length;
            } else if (b >= ' ') {
                at++;
            } else if (b >= 0) {
                return Reason.MALFORMED_JSON; // a control character must be escaped
            } else {
                int length = Utf8.sequenceLength(payload, at, limit);
                if (length == 0) {
                    return Reason.NOT_UTF8;
                }
                at += length;
            }
        }
        return Reason.MALFORMED_JSON; // the closing quote is missing
    }

    /** Whether the text is a slice of the payload that was scanned. */
    boolean isSlice() {
        return !escaped;
    }

    int length() {
        return to - from;
    }

    /** Replaces the slice by its text with the escapes resolved. Call it once, after a scan. */
    void unescape() {
        byte[] text = new byte[to - from]; // no escape is shorter than its character
        int length = 0;
        int at = from;
        while (at < to) {
            byte b = bytes[at];
            if (b != '\\') {
                text[length++] = b;
                at++;
            } else if (bytes[at + 1] != 'u') {
                text[length++] = (byte) simpleEscape(bytes[at + 1]);
                at += 2;
            } else {
                int codePoint = hex4(bytes, at + 2);
                at += 6;
                if (codePoint <= 0xFFFF && Character.isHighSurrogate((char) codePoint)) {
                    codePoint = Character.toCodePoint((char) codePoint, (char) hex4(bytes, at + 2));
                    at += 6;
                }
                length = append(text, length, codePoint);
            }
        }
        bytes = text;
        from = 0;
        to = length;
    }

    /** The length of the escape at {@code at}; both halves of a surrogate pair count as one escape. */
    private static int escapeLength(byte[] bytes, int at, int limit) {
        if (at + 1 >= limit) {
            return BAD_ESCAPE;
        }
        if (bytes[at + 1] != 'u') {
            return simpleEscape(bytes[at + 1]) < 0 ? BAD_ESCAPE : 2;
        }
        int unit = unicodeEscape(bytes, at, limit);
        if (unit < 0) {
            return BAD_ESCAPE;
        }
        if (!Character.isSurrogate((char) unit)) {
            return 6;
        }
        int partner = unicodeEscape(bytes, at + 6, limit);
        boolean pair =
                partner >= 0 && Character.isSurrogatePair((char) unit, (char) partner);
        return pair ? 12 : LONE_SURROGATE;
    }

    /** The UTF-16 unit that a backslash, u and four digits at {@code at} name, or a negative number. */
    private static int unicodeEscape(byte[] bytes, int at, int limit) {
        if (at + 6 > limit || bytes[at] != '\\' || bytes[at + 1] != 'u') {
            return BAD_ESCAPE;
        }
        return hex4(bytes, at + 2);
    }

    private static int hex4(byte[] bytes, int at) {
        int value = 0;
        for (int i = at; i < at + 4; i++) {
            // A negative digit makes the whole value negative, whatever the others are.
            value = value << 4 | hexDigit(bytes[i]);
        }
        return value;
    }

    private static int hexDigit(byte b) {
        if (b >= '0' && b <= '9') {
            return b - '0';
        }
        int lower = b | 0x20;
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }

    private static int simpleEscape(byte letter) {
        return switch (letter) {
            case '"', '\\', '/' -> letter;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            default -> -1;
        };
    }

    private static int append(byte[] text, int length, int codePoint) {
        int at = length;
        if (codePoint < 0x80) {
            text[at++] = (byte) codePoint;
        } else if (codePoint < 0x800) {
            text[at++] = (byte) (0xC0 | codePoint >> 6);
            text[at++] = continuation(codePoint);
        } else if (codePoint < 0x10000) {
            text[at++] = (byte) (0xE0 | codePoint >> 12);
            text[at++] = continuation(codePoint >> 6);
            text[at++] = continuation(codePoint);
        } else {
            text[at++] = (byte) (0xF0 | codePoint >> 18);
            text[at++] = continuation(codePoint >> 12);
            text[at++] = continuation(codePoint >> 6);
            text[at++] = continuation(codePoint);
        }
        return at;
    }

    private static byte continuation(int bits) {
        return (byte) (0x80 | bits & 0x3F);
    }
}

package headrace.format;

/** Well-formedness of UTF-8, as table 3-7 of the Unicode standard defines it. */
final class Utf8 {

    private Utf8() {}

    /**
     * The length of the multi-byte sequence that begins at {@code at}, or 0 if it is not well-formed.
     *
     * <p>Overlong forms, encoded surrogates and code points above U+10FFFF are excluded by the bounds
     * on the <i>second</i> byte. A lenient decoder turns them into replacement characters, which is a
     * silent change of the value.
     */
    static int sequenceLength(byte[] bytes, int at, int limit) {
        int lead = bytes[at] & 0xFF;
        if (lead < 0xC2 || lead > 0xF4) {
            return 0;
        }
        if (lead < 0xE0) {
            return isContinuation(bytes, at + 1, limit) ? 2 : 0;
        }
        if (!isSecondByte(lead, bytes, at + 1, limit) || !isContinuation(bytes, at + 2, limit)) {
            return 0;
        }
        if (lead < 0xF0) {
            return 3;
        }
        return isContinuation(bytes, at + 3, limit) ? 4 : 0;
    }

    private static boolean isSecondByte(int lead, byte[] bytes, int at, int limit) {
        if (!isContinuation(bytes, at, limit)) {
            return false;
        }
        int second = bytes[at] & 0xFF;
        return switch (lead) {
            case 0xE0 -> second >= 0xA0;
            case 0xED -> second <= 0x9F;
            case 0xF0 -> second >= 0x90;
            case 0xF4 -> second <= 0x8F;
            default -> true;
        };
    }

    private static boolean isContinuation(byte[] bytes, int at, int limit) {
        return at < limit && (bytes[at] & 0xC0) == 0x80;
    }

    /** The number of code points in well-formed UTF-8; it is how Flink counts VARCHAR(n), too. */
    static int codePoints(byte[] bytes, int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            if ((bytes[i] & 0xC0) != 0x80) {
                count++;
            }
        }
        return count;
    }

    static boolean hasByteOrderMark(byte[] bytes) {
        return bytes.length >= 3
                && bytes[0] == (byte) 0xEF
                && bytes[1] == (byte) 0xBB
                && bytes[2] == (byte) 0xBF;
    }

    /**
     * Whether the value looks like UTF-16 or UTF-32. JSON begins with two ASCII characters (or one and
     * a BOM), so the NUL bytes among the first four give the encoding away (RFC 4627, section 3).
     */
    static boolean looksWide(byte[] bytes) {
        if (bytes.length < 4) {
            return false;
        }
        boolean nul0 = bytes[0] == 0;
        boolean nul1 = bytes[1] == 0;
        boolean nul2 = bytes[2] == 0;
        boolean nul3 = bytes[3] == 0;
        boolean utf32 = nul1 && nul2 && nul0 != nul3 || nul0 && nul1 && !nul2 && !nul3;
        boolean utf16 = nul0 == nul2 && nul1 == nul3 && nul0 != nul1;
        return utf32 || utf16;
    }
}

package headrace.format;

import java.nio.charset.StandardCharsets;

/**
 * The last JSON number that was read: {@code ±unscaled × 10^-scale}, as written in the text.
 *
 * <p>Numbers are bounded by looking at digit counts and exponent, never by building the value:
 * {@code 1e999999999} as a {@code BigDecimal} with scale 2 would be a gigabyte of zeros.
 */
final class NumberToken {

    /** With so many digits, leading zeros included, {@link #unscaled} is exact. */
    static final int MAX_LONG_DIGITS = 18;

    /**
     * Exponents are counted no further than about this. It is far above the number of digits that any
     * array can hold, so that no digits can make up for it.
     */
    private static final long EXPONENT_CAP = 1_000_000_000_000L;

    byte[] bytes;
    int from;

    /** Behind the last byte of the number; the offending byte if the scan failed. */
    int end;

    boolean negative;

    /** All digits as one number, modulo 2^64: exact up to 19 digits if read as unsigned. */
    long unscaled;

    /** How many digits there are before the exponent, leading zeros included. */
    int digits;

    /** Fraction digits minus exponent. */
    long scale;

    /** Whether there is neither a fraction nor an exponent. */
    boolean integer;

    private int mantissaFrom;
    private int mantissaTo;

    /** Reads the longest JSON number at {@code start}; false if there is none. */
    boolean scan(byte[] source, int start, int limit) {
        bytes = source;
        from = start;
        int at = start;
        negative = at < limit && source[at] == '-';
        if (negative) {
            at++;
        }
        mantissaFrom = at;
        long value = 0;
        while (at < limit && isDigit(source[at])) {
            value = value * 10 + (source[at] - '0');
            at++;
        }
        digits = at - mantissaFrom;
        end = at;
        boolean leadingZero = digits > 1 && source[mantissaFrom] == '0';
        if (digits == 0 || leadingZero) {
            return false;
        }
        unscaled = value;
        scale = 0;
        integer = true;
        mantissaTo = at;
        if (at < limit && source[at] == '.') {
            if (!scanFraction(at + 1, limit)) {
                return false;
            }
        }
        boolean exponent = end < limit && (source[end] == 'e' || source[end] == 'E');
        return !exponent || scanExponent(end + 1, limit);
    }

    private boolean scanFraction(int start, int limit) {
        long value = unscaled;
        int at = start;
        while (at < limit && isDigit(bytes[at])) {
            value = value * 10 + (bytes[at] - '0');
            at++;
        }
        unscaled = value;
        scale = at - start;
        digits += at - start;
        integer = false;
        mantissaTo = at;
        end = at;
        return at > start;
    }

    private boolean scanExponent(int start, int limit) {
        int at = start;
        boolean minus = at < limit && bytes[at] == '-';
        if (minus || at < limit && bytes[at] == '+') {
            at++;
        }
        int first = at;
        long exponent = 0;
        while (at < limit && isDigit(bytes[at])) {
            if (exponent < EXPONENT_CAP) {
                exponent = exponent * 10 + (bytes[at] - '0');
            }
            at++;
        }
        scale += minus ? exponent : -exponent;
        integer = false;
        end = at;
        return at > first;
    }

    /** Whether all digits are zero, whatever the exponent is. */
    boolean isZero() {
        if (digits <= MAX_LONG_DIGITS) {
            return unscaled == 0;
        }
        for (int i = mantissaFrom; i < mantissaTo; i++) {
            if (bytes[i] > '0') {
                return false;
            }
        }
        return true;
    }

    /**
     * Appends the digits from the first to the last that is not zero to {@code target}, unless there
     * are more than {@code max} of them, when the target's content is of no use.
     *
     * @return how many such digits there are
     */
    int significantDigits(StringBuilder target, int max) {
        int count = 0;
        int zeros = 0;
        for (int i = mantissaFrom; i < mantissaTo; i++) {
            byte b = bytes[i];
            if (b == '0') {
                zeros += count > 0 ? 1 : 0;
            } else if (b != '.') {
                count += zeros + 1;
                if (count <= max) {
                    target.append("0".repeat(zeros)).append((char) b);
                }
                zeros = 0;
            }
        }
        return count;
    }

    /** How many zeros end the mantissa: with them taken off, the scale is smaller by as much. */
    int trailingZeros() {
        int zeros = 0;
        for (int i = mantissaTo - 1; i >= mantissaFrom && (bytes[i] == '0' || bytes[i] == '.'); i--) {
            zeros += bytes[i] == '0' ? 1 : 0;
        }
        return zeros;
    }

    /** The number as it was written. */
    String text() {
        return new String(bytes, from, end - from, StandardCharsets.ISO_8859_1);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }
}

package headrace.format;

/** BIGINT from a JSON number without fraction and exponent. */
final class BigintReader implements ValueReader {

    /** Up to here all digits as one unsigned 64-bit number are exact: 10^19 &lt; 2^64. */
    private static final int MAX_UNSIGNED_DIGITS = 19;

    @Override
    public Object read(JsonScanner in) {
        return readsWholeNumber(in) ? (Object) value(in.number) : null;
    }

    /** Consumes a number that fits BIGINT; its value is then that of {@link #value}. */
    static boolean readsWholeNumber(JsonScanner in) {
        if (!in.readNumber()) {
            return false;
        }
        if (!in.number.integer) {
            return in.fail(Reason.NOT_AN_INTEGER);
        }
        return fits(in.number) || in.fail(Reason.INTEGER_OUT_OF_RANGE);
    }

    static long value(NumberToken number) {
        return number.negative ? -number.unscaled : number.unscaled;
    }

    private static boolean fits(NumberToken number) {
        boolean smallestLong = number.negative && number.unscaled == Long.MIN_VALUE;
        return number.digits <= MAX_UNSIGNED_DIGITS && (number.unscaled >= 0 || smallestLong);
    }
}

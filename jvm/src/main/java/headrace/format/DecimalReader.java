package headrace.format;

import java.math.BigDecimal;
import java.math.BigInteger;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.types.logical.DecimalType;

/**
 * DECIMAL(p, s) from a JSON number, or from a string that is exactly one (producers send strings so
 * that no parser in between makes a double of it). Nothing is rounded: zeros may be dropped or
 * appended, digits may not.
 */
final class DecimalReader implements ValueReader {

    private static final long[] POWERS = powersOfTen();

    private final int precision;
    private final int scale;
    private final DecimalData zero;

    DecimalReader(int precision, int scale) {
        this.precision = precision;
        this.scale = scale;
        this.zero = DecimalData.zero(precision, scale);
    }

    @Override
    public Object read(JsonScanner in) {
        boolean found = in.next() == '"' ? readQuotedNumber(in) : in.readNumber();
        if (!found) {
            return null;
        }
        boolean small = in.number.digits <= NumberToken.MAX_LONG_DIGITS;
        return small ? fromLong(in, in.number) : fromDigits(in, in.number);
    }

    private static boolean readQuotedNumber(JsonScanner in) {
        if (!in.readString()) {
            return false;
        }
        StringToken text = in.string;
        boolean number = in.number.scan(text.bytes, text.from, text.to) && in.number.end == text.to;
        return number || in.fail(Reason.BAD_DECIMAL);
    }

    private DecimalData fromLong(JsonScanner in, NumberToken number) {
        long unscaled = number.unscaled;
        long ownScale = number.scale;
        if (unscaled == 0) {
            return zero;
        }
        while (ownScale > scale && unscaled % 10 == 0) {
            unscaled /= 10;
            ownScale--;
        }
        if (!fits(in, digits(unscaled), ownScale)) {
            return null;
        }
        long signed = number.negative ? -unscaled : unscaled;
        if (DecimalData.isCompact(precision)) {
            long shifted = signed * POWERS[(int) (scale - ownScale)];
            return DecimalData.fromUnscaledLong(shifted, precision, scale);
        }
        BigDecimal value = BigDecimal.valueOf(signed, (int) ownScale);
        return DecimalData.fromBigDecimal(value, precision, scale);
    }

    private DecimalData fromDigits(JsonScanner in, NumberToken number) {
        StringBuilder text = new StringBuilder(DecimalType.MAX_PRECISION);
        int significant = number.significantDigits(text, DecimalType.MAX_PRECISION);
        if (significant == 0) {
            return zero;
        }
        long ownScale = number.scale - number.trailingZeros();
        if (!fits(in, significant, ownScale)) {
            return null;
        }
        BigInteger unscaled = new BigInteger(text.toString());
        BigInteger signed = number.negative ? unscaled.negate() : unscaled;
        return DecimalData.fromBigDecimal(new BigDecimal(signed, (int) ownScale), precision, scale);
    }

    /**
     * Whether a non-zero number is kept whole. It bounds everything that is built afterwards: the
     * number has then at most {@code precision} digits once it has the column's scale.
     *
     * @param digits how many digits it has
     * @param ownScale how many of them are after the point; may be negative, or larger than digits
     */
    private boolean fits(JsonScanner in, int digits, long ownScale) {
        if (digits - ownScale > precision - scale) {
            return in.fail(Reason.DECIMAL_OVERFLOW);
        }
        return ownScale <= scale || in.fail(Reason.DECIMAL_SCALE);
    }

    private static int digits(long value) {
        int digits = 1;
        while (digits < POWERS.length && value >= POWERS[digits]) {
            digits++;
        }
        return digits;
    }

    private static long[] powersOfTen() {
        long[] powers = new long[NumberToken.MAX_LONG_DIGITS + 1];
        powers[0] = 1;
        for (int i = 1; i < powers.length; i++) {
            powers[i] = powers[i - 1] * 10;
        }
        return powers;
    }
}

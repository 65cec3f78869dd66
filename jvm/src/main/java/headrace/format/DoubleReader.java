package headrace.format;

/**
 * DOUBLE from a JSON number: the nearest double, as the type implies. What would not be near at all,
 * infinity for a number or zero for a non-zero one, is refused.
 */
final class DoubleReader implements ValueReader {

    /** Whole numbers below 10^15 and powers of ten up to 10^22 are exact doubles. */
    private static final int EXACT_DIGITS = 15;

    private static final double[] EXACT_POWERS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
    };

    @Override
    public Object read(JsonScanner in) {
        if (!in.readNumber()) {
            return null;
        }
        NumberToken number = in.number;
        double value = isExact(number) ? exact(number) : Double.parseDouble(number.text());
        boolean vanished = value == 0 && !number.isZero();
        if (vanished || Double.isInfinite(value)) {
            in.fail(Reason.DOUBLE_OUT_OF_RANGE);
            return null;
        }
        return value;
    }

    private static boolean isExact(NumberToken number) {
        return number.digits <= EXACT_DIGITS && Math.abs(number.scale) < EXACT_POWERS.length;
    }

    /** One IEEE operation on two exact operands is rounded correctly, so this is what parsing gives. */
    private static double exact(NumberToken number) {
        int scale = (int) number.scale;
        double digits = number.negative ? -(double) number.unscaled : number.unscaled;
        return scale >= 0 ? digits / EXACT_POWERS[scale] : digits * EXACT_POWERS[-scale];
    }
}

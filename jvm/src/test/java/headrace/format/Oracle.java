package headrace.format;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;

/**
 * What the decoder should do, implemented a second time by other means: Jackson for the structure,
 * {@code BigDecimal}, {@code java.time} and regular expressions for the values. Slow and obvious.
 *
 * <p>Where Jackson is lenient and the decoder deliberately is not, the difference is a method here:
 * {@link #isStrictUtf8}, {@link #hasMarkOrNul}, {@link #isUnicode}, the depth, and what follows the
 * object. There is no other difference.
 */
final class Oracle {

    private static final JsonFactory JACKSON = new JsonFactory();
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]+");
    private static final Pattern NUMBER =
            Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final Pattern ZERO = Pattern.compile("-?[0.]+([eE].*)?");
    private static final Pattern DATE = Pattern.compile("\\d{4}-\\d\\d-\\d\\d");
    private static final Pattern INSTANT =
            Pattern.compile(
                    "(\\d{4}-\\d\\d-\\d\\d)(T\\d\\d:\\d\\d:\\d\\d)(?:\\.(\\d+?)0*)?(Z|[+-]\\d\\d:\\d\\d)");

    private final RowType columns;

    Oracle(RowType columns) {
        this.columns = columns;
    }

    /** The values as {@link Outcome} writes them, or null if the record must be refused. */
    List<String> decode(byte[] payload) {
        if (!isStrictUtf8(payload) || hasMarkOrNul(payload)) {
            return null;
        }
        try (JsonParser json = JACKSON.createParser(payload)) {
            return json.nextToken() == JsonToken.START_OBJECT ? decode(json) : null;
        } catch (IOException | Refused e) {
            return null;
        }
    }

    private List<String> decode(JsonParser json) throws IOException {
        List<String> values =
                new ArrayList<>(Collections.nCopies(columns.getFieldCount(), Outcome.NULL));
        Set<String> seen = new HashSet<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            require(isUnicode(name));
            JsonToken token = json.nextToken();
            int column = columns.getFieldIndex(name);
            if (column < 0) {
                skip(json, token);
                continue;
            }
            require(seen.add(name));
            if (token != JsonToken.VALUE_NULL) {
                values.set(column, value(columns.getTypeAt(column), token, json.getText()));
            }
        }
        require(json.nextToken() == null);
        return values;
    }

    private static void skip(JsonParser json, JsonToken first) throws IOException {
        int depth = 0;
        JsonToken token = first;
        while (true) {
            depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
            require(depth <= 64);
            boolean text = token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME;
            require(!text || isUnicode(json.getText()));
            if (depth == 0) {
                return;
            }
            token = json.nextToken();
        }
    }

    private static String value(LogicalType type, JsonToken token, String text) {
        boolean string = token == JsonToken.VALUE_STRING;
        boolean number = token.isNumeric();
        require(!string || isUnicode(text));
        return switch (type.getTypeRoot()) {
            case VARCHAR -> {
                int max = ((VarCharType) type).getLength();
                require(string && text.codePointCount(0, text.length()) <= max);
                yield text;
            }
            case INTEGER -> whole(number, text, 32);
            case BIGINT -> whole(number, text, 64);
            case DECIMAL -> decimal((DecimalType) type, string || number, text);
            case DOUBLE -> real(number, text);
            case BOOLEAN -> {
                require(token.isBoolean());
                yield text;
            }
            case DATE -> {
                require(string);
                yield date(text).toString();
            }
            default -> {
                require(string);
                yield instant(((LocalZonedTimestampType) type).getPrecision(), text);
            }
        };
    }

    private static String whole(boolean number, String text, int bits) {
        require(number && matches(WHOLE, text));
        BigInteger value = new BigInteger(text);
        require(value.bitLength() < bits);
        return value.toString();
    }

    private static String decimal(DecimalType type, boolean scalar, String text) {
        require(scalar && matches(NUMBER, text));
        BigDecimal value = big(text).stripTrailingZeros();
        if (value.signum() == 0) {
            return BigDecimal.ZERO.setScale(type.getScale()).toPlainString();
        }
        require((long) value.precision() - value.scale() <= type.getPrecision() - type.getScale());
        require(value.scale() <= type.getScale());
        return value.setScale(type.getScale()).toPlainString();
    }

    private static String real(boolean number, String text) {
        require(number);
        double value = Double.parseDouble(text);
        require(!Double.isInfinite(value) && (value != 0 || matches(ZERO, text)));
        return Double.toString(value);
    }

    /** BigDecimal has no exponents beyond an int; what has one is refused unless it is zero. */
    private static BigDecimal big(String text) {
        try {
            return new BigDecimal(text);
        } catch (ArithmeticException | NumberFormatException e) {
            require(matches(ZERO, text));
            return BigDecimal.ZERO;
        }
    }

    private static LocalDate date(String text) {
        require(matches(DATE, text));
        try {
            LocalDate date = LocalDate.parse(text);
            require(date.getYear() >= 1);
            return date;
        } catch (DateTimeException e) {
            throw new Refused();
        }
    }

    private static String instant(int precision, String text) {
        Matcher parts = INSTANT.matcher(text);
        require(parts.matches());
        date(parts.group(1));
        String fraction = parts.group(3) == null || parts.group(3).equals("0") ? "" : parts.group(3);
        require(fraction.length() <= precision);
        String shorter =
                parts.group(1)
                        + parts.group(2)
                        + (fraction.isEmpty() ? "" : "." + fraction)
                        + parts.group(4);
        try {
            OffsetDateTime utc = OffsetDateTime.parse(shorter).withOffsetSameInstant(ZoneOffset.UTC);
            require(utc.getYear() >= 1 && utc.getYear() <= 9999);
            return utc.toInstant().toString();
        } catch (DateTimeException e) {
            throw new Refused();
        }
    }

    private static boolean matches(Pattern pattern, String text) {
        return pattern.matcher(text).matches();
    }

    /** Jackson accepts overlong forms, among others. */
    private static boolean isStrictUtf8(byte[] payload) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(payload));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** Jackson skips a byte order mark, and reads NULs at the beginning as UTF-16 or UTF-32. */
    private static boolean hasMarkOrNul(byte[] payload) {
        for (int i = 0; i < Math.min(4, payload.length); i++) {
            if (payload[i] == 0) {
                return true;
            }
        }
        return payload.length >= 3 && payload[0] == (byte) 0xEF && payload[1] == (byte) 0xBB;
    }

    /** Jackson lets an escape name half a surrogate pair. */
    private static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static void require(boolean condition) {
        if (!condition) {
            throw new Refused();
        }
    }

    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused() {
            super(null, null, false, false);
        }
    }
}

package headrace.format;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Random documents around every column type, mostly valid, and mutations of them. Seeded. */
final class Documents {

    static final String COLUMNS =
            "s STRING, v VARCHAR(5), i INT, l BIGINT, d DECIMAL(6,2), w DECIMAL(30,5), x DOUBLE, "
                    + "o BOOLEAN, t DATE, m TIMESTAMP_LTZ(3)";

    /** What mutations insert: the bytes that grammars and decoders stumble over. Latin-1. */
    private static final String[] PIECES = {
        "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0069", "{", "}", "[", "]", ",", ":", "0", "1", "9",
        ".", "e", "E", "-", "+", " ", "\n", "\0", "\t", "\u001f", "\u007f", "\u00ff", "\u00c3", "\u00a9",
        "\u00ed\u00a0\u0080", "\u00c0\u00af", "\u00ef\u00bb\u00bf", "null", "true", "T", "Z", "'", "/",
        "\"i\":1,", ",\"z\":{}", "00", "99999999999999999999", "e99999",
    };

    private final Random random;

    Documents(long seed) {
        random = new Random(seed);
    }

    byte[] valid() {
        List<String> fields = new ArrayList<>();
        for (String column : "s v i l d w x o t m".split(" ")) {
            if (random.nextInt(10) > 0) {
                fields.add('"' + column + "\":" + (random.nextInt(12) == 0 ? "null" : value(column)));
            }
        }
        if (random.nextInt(4) == 0) {
            fields.add("\"z\":" + anything(0));
        }
        if (random.nextInt(4) == 0) {
            Collections.shuffle(fields, random);
        }
        String comma = random.nextInt(5) == 0 ? " ,\n" : ",";
        return ('{' + String.join(comma, fields) + '}').getBytes(UTF_8);
    }

    byte[] mutated() {
        byte[] document = valid();
        for (int n = random.nextInt(2); n >= 0; n--) {
            document = mutate(document);
        }
        return document;
    }

    private byte[] mutate(byte[] document) {
        if (document.length == 0) {
            return document;
        }
        int at = random.nextInt(document.length);
        byte[] piece = PIECES[random.nextInt(PIECES.length)].getBytes(ISO_8859_1);
        int length = Math.min(document.length - at, 1 + random.nextInt(6));
        return switch (random.nextInt(6)) {
            case 0 -> splice(document, at, 0, piece);
            case 1 -> splice(document, at, 1, piece);
            case 2 -> splice(document, at, length, new byte[0]);
            case 3 -> splice(document, at, 1, new byte[] {(byte) random.nextInt(256)});
            case 4 -> splice(document, at, 0, slice(document, random.nextInt(document.length), length));
            default -> random.nextInt(4) == 0 ? slice(document, 0, at) : splice(document, at, 1, piece);
        };
    }

    private static byte[] splice(byte[] document, int at, int cut, byte[] insert) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(document, 0, at);
        out.writeBytes(insert);
        out.write(document, at + cut, document.length - at - cut);
        return out.toByteArray();
    }

    private static byte[] slice(byte[] document, int from, int length) {
        return Arrays.copyOfRange(document, from, Math.min(document.length, from + length));
    }

    private String value(String column) {
        return switch (column) {
            case "s" -> '"' + text(random.nextInt(12)) + '"';
            case "v" -> '"' + text(1 + random.nextInt(4)) + '"';
            case "i" -> "" + (rarely() ? random.nextLong() : random.nextInt());
            case "l" -> rarely() ? sign() + number(20) : "" + random.nextLong();
            case "d" -> quoted(random.nextInt(rarely() ? 100_000 : 10_000) + fraction(rarely() ? 4 : 2));
            case "w" ->
                    rarely()
                            ? quoted(number(30) + fraction(9) + exponent())
                            : quoted(number(25) + fraction(5));
            case "x" -> sign() + number(20) + fraction(20) + exponent();
            case "o" -> "" + random.nextBoolean();
            case "t" -> '"' + date() + '"';
            default -> '"' + date() + time() + '"';
        };
    }

    private String anything(int depth) {
        return switch (random.nextInt(depth > 3 ? 4 : 6)) {
            case 0 -> '"' + text(5) + '"';
            case 1 -> sign() + number(5) + fraction(3) + exponent();
            case 2 -> "null";
            case 3 -> "false";
            case 4 -> "[" + anything(depth + 1) + "," + anything(depth + 1) + "]";
            default -> "{\"" + text(3) + "\":" + anything(depth + 1) + ",\"i\": 1}";
        };
    }

    private String text(int length) {
        String[] letters = {
            "a", "B", " ", "7", "é", "€", "😀", "\\n", "\\\"", "\\u20ac", "\\ud83d\\ude00"
        };
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < length; n++) {
            text.append(letters[random.nextInt(random.nextInt(3) == 0 ? letters.length : 4)]);
        }
        return text.toString();
    }

    private String quoted(String number) {
        String signed = sign() + number;
        return random.nextBoolean() ? '"' + signed + '"' : signed;
    }

    private String sign() {
        return random.nextInt(3) == 0 ? "-" : "";
    }

    private String digits(int count) {
        StringBuilder digits = new StringBuilder();
        for (int n = 0; n < count; n++) {
            digits.append(random.nextInt(3) == 0 ? 0 : random.nextInt(10));
        }
        return digits.toString();
    }

    private String number(int maxDigits) {
        String digits = digits(1 + random.nextInt(maxDigits)).replaceFirst("^0+", "");
        return digits.isEmpty() ? "0" : digits;
    }

    private String fraction(int maxDigits) {
        return random.nextInt(3) == 0 ? "" : "." + digits(1 + random.nextInt(maxDigits));
    }

    private String exponent() {
        int range = rarely() ? 700 : 8;
        return random.nextInt(4) > 0 ? "" : "e" + (random.nextInt(range) - range / 2);
    }

    private String date() {
        int year = random.nextInt(4) == 0 ? 1 + random.nextInt(9_999) : 1890 + random.nextInt(200);
        int day = 1 + random.nextInt(random.nextInt(20) == 0 ? 31 : 28);
        return padded(year, 4) + '-' + padded(1 + random.nextInt(12), 2) + '-' + padded(day, 2);
    }

    private String time() {
        String clock = 'T' + padded(random.nextInt(24), 2) + ':' + minutes() + ':' + minutes();
        String sign = random.nextBoolean() ? "+" : "-";
        String offset = sign + padded(random.nextInt(19), 2) + ':' + minutes();
        return clock + fraction(rarely() ? 11 : 3) + (random.nextInt(3) > 0 ? "Z" : offset);
    }

    private String minutes() {
        return padded(random.nextInt(60), 2);
    }

    private static String padded(int number, int width) {
        String digits = Integer.toString(number);
        return "0".repeat(width - digits.length()) + digits;
    }

    /** Valid in grammar, but perhaps not for the column. */
    private boolean rarely() {
        return random.nextInt(20) == 0;
    }
}

package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.Charset;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Only well-formed UTF-8 without a mark is decoded; everything else is refused wherever it occurs. */
class EncodingTest {

    private static final String COLUMNS = "a INT, b STRING";

    static Stream<Arguments> invalidUtf8() {
        return Stream.of(
                Arguments.of("continuation without lead", "80"),
                Arguments.of("lead without continuation", "c3"),
                Arguments.of("lead and ASCII", "c3 41"),
                Arguments.of("truncated three bytes", "e2 82"),
                Arguments.of("truncated four bytes", "f0 9f 98"),
                Arguments.of("overlong NUL", "c0 80"),
                Arguments.of("overlong slash, two bytes", "c1 af"),
                Arguments.of("overlong slash, three bytes", "e0 80 af"),
                Arguments.of("overlong, four bytes", "f0 80 80 af"),
                Arguments.of("overlong, four bytes, just below", "f0 8f bf bf"),
                Arguments.of("surrogate U+D800", "ed a0 80"),
                Arguments.of("surrogate U+DFFF", "ed bf bf"),
                Arguments.of("above U+10FFFF", "f4 90 80 80"),
                Arguments.of("lead f5", "f5 80 80 80"),
                Arguments.of("ff", "ff"),
                Arguments.of("latin-1 é", "e9"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("invalidUtf8")
    void invalidUtf8IsRefusedWhereverItStands(String name, String hex) {
        byte[] bytes = Outcome.hex(hex);
        assertEquals("not_utf8", around("{\"b\":\"x", bytes, "\"}"));
        assertEquals("not_utf8", around("{\"z\":\"x", bytes, "\"}"));
        assertEquals("not_utf8", around("{\"z", bytes, "\":1}"));
        assertEquals("not_utf8", around("{\"b\":\"\\n", bytes, "\"}"));
        assertEquals("not_utf8", around("{\"z\":[{\"", bytes, "\":1}]}"));
        assertEquals("not_utf8", around("{\"a\":1", bytes, "}"));
        assertEquals("not_utf8", around("{\"a\":1}", bytes, ""));
        assertEquals("not_utf8", around("", bytes, "{\"a\":1}"));
        assertEquals("not_utf8", around("{\"b\":\"x", bytes, ""));
    }

    private static String around(String before, byte[] bytes, String after) {
        byte[] head = before.getBytes(UTF_8);
        byte[] tail = after.getBytes(UTF_8);
        byte[] all = Arrays.copyOf(head, head.length + bytes.length + tail.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        System.arraycopy(tail, 0, all, head.length + bytes.length, tail.length);
        Outcome outcome = Outcome.of(COLUMNS, all);
        assertTrue(outcome.allNull());
        return outcome.reason();
    }

    @ParameterizedTest
    @ValueSource(strings = {"7f", "c2 80", "df bf", "e0 a0 80", "ed 9f bf", "ee 80 80", "ef bf bf",
        "f0 90 80 80", "f4 8f bf bf"})
    void theEdgesOfUtf8AreKept(String hex) {
        byte[] bytes = Outcome.hex(hex);
        Outcome outcome = Outcome.of("b STRING", ("{\"b\":\"" + new String(bytes, UTF_8) + "\"}"));
        assertEquals(new Outcome(List.of(new String(bytes, UTF_8)), null, null), outcome);
    }

    @Test
    void otherEncodings() {
        String json = "{\"a\":1}";
        assertEquals("byte_order_mark", Outcome.of(COLUMNS, "\uFEFF" + json).reason());
        for (Charset wide : List.of(UTF_16, UTF_16LE, UTF_16BE, Charset.forName("UTF-32LE"),
                Charset.forName("UTF-32BE"))) {
            assertEquals("not_utf8", Outcome.of(COLUMNS, json.getBytes(wide)).reason());
            assertEquals("not_utf8", Outcome.of(COLUMNS, ("\uFEFF" + json).getBytes(wide)).reason());
            assertEquals("not_utf8", Outcome.of(COLUMNS, ("[" + json + "]").getBytes(wide)).reason());
        }
        assertEquals("not_utf8", Outcome.of(COLUMNS, Outcome.hex("00 00 00 7b 7f 7f 7f 7f")).reason());
        assertEquals("malformed_json", Outcome.of(COLUMNS, Outcome.hex("00 7b 7d")).reason());
    }

    @Test
    void aByteOrderMarkInTheMiddleIsNoWhitespace() {
        assertEquals("malformed_json", Outcome.of(COLUMNS, " \uFEFF{\"a\":1}").reason());
        assertEquals("trailing_data", Outcome.of(COLUMNS, "{\"a\":1}\uFEFF").reason());
    }
}

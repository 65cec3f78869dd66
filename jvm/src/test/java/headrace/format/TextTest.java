package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.apache.flink.table.data.GenericRowData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Strings: what is kept, and what is refused for which reason. */
class TextTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    STRING     | "abc"                     | abc
                    STRING     | ""                        | ``
                    STRING     | "NULL "                   | `NULL `
                    STRING     | "é€😀"                    | é€😀
                    STRING     | "\\u00e9\\u20AC\\ud83d\\uDE00" | é€😀
                    STRING     | "a\\"\\\\\\/b"            | a"\\/b
                    STRING     | "x\\ud800"                | lone_surrogate
                    STRING     | "\\udc00\\ud800"          | lone_surrogate
                    STRING     | "\\ud800\\ud800"          | lone_surrogate
                    STRING     | "\\ud800\\n"              | lone_surrogate
                    STRING     | "\\ud800\\u00zz"          | lone_surrogate
                    STRING     | "\\u12g4"                 | malformed_json
                    STRING     | "\\u-123"                 | malformed_json
                    STRING     | "\\u 123"                 | malformed_json
                    STRING     | "\\x41"                   | malformed_json
                    STRING     | "\\U0041"                 | malformed_json
                    STRING     | 'abc'                     | malformed_json
                    STRING     | 12                        | wrong_type
                    STRING     | true                      | wrong_type
                    STRING     | {}                        | wrong_type
                    STRING     | []                        | wrong_type
                    STRING     | null                      | NULL
                    STRING     | "null"                    | null
                    VARCHAR(3) | "abc"                     | abc
                    VARCHAR(3) | "abcd"                    | string_too_long
                    VARCHAR(3) | "€€😀"                    | €€😀
                    VARCHAR(3) | "€€€€"                    | string_too_long
                    VARCHAR(3) | "\\u0061bc"               | abc
                    VARCHAR(3) | "\\u0061bcd"              | string_too_long
                    VARCHAR(3) | "abc "                    | string_too_long
                    """)
    void text(String type, String json, String expected) {
        assertEquals(expected, Outcome.ofValue(type, json));
    }

    @Test
    void controlCharactersAreKeptWhereTheyAreEscaped() {
        assertEquals("\b\f\n\r\t\0", Outcome.ofValue("STRING", "\"\\b\\f\\n\\r\\t\\u0000\""));
    }

    @Test
    void longTextIsKeptWhole() {
        String million = "é".repeat(500_000);
        assertEquals(million, Outcome.ofValue("STRING", '"' + million + '"'));
        assertEquals("string_too_long", Outcome.ofValue("VARCHAR(499999)", '"' + million + '"'));
    }

    /** The bytes of the text are those of the payload, even in the middle of it. */
    @Test
    void textIsASliceOfThePayload() {
        StrictJsonDecoder decoder =
                new StrictJsonDecoder(
                        Outcome.columns("a STRING, b STRING"), UnknownFields.IGNORE);
        GenericRowData row = decoder.decode("{\"a\":\"xé\",\"b\":\"\\u0079z\"}".getBytes(UTF_8), 0);
        assertNull(decoder.reason());
        assertEquals("xé", new String(row.getString(0).toBytes(), UTF_8));
        assertEquals("yz", new String(row.getString(1).toBytes(), UTF_8));
    }
}

package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole documents against two columns {@code a INT, b STRING}: values, or reason and field. */
class DocumentsTest {

    private static final String COLUMNS = "a INT, b STRING";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":1,\"b\":\"x\"}",
                "{\"b\":\"x\",\"a\":1}",
                " \t\r\n{ \"a\" : 1 , \"b\"\n:\t\"x\" } \r\n",
                "{\"\\u0061\":1,\"\\u0062\":\"x\"}",
                "{\"z\":0,\"a\":1,\"z\":[1,{\"a\":2}],\"b\":\"x\",\"z\":null}",
                "{\"\":0,\"a\":1,\"b\":\"x\",\"A\":2,\"é\":{\"\":[]}}",
                "{\"z\":[[],{},[{}],{\"y\":[]},\"\\ud83d\\ude00\",-1.5e-7,true,false,null],\"a\":1,\"b\":\"x\"}",
            })
    void decoded(String json) {
        assertEquals(new Outcome(List.of("1", "x"), null, null), Outcome.of(COLUMNS, json));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", " { } ", "{\"a\":null}", "{\"z\":1}", "{\"a\":null,\"b\":null}"})
    void missingAndNullAreNull(String json) {
        List<String> nulls = List.of(Outcome.NULL, Outcome.NULL);
        assertEquals(new Outcome(nulls, null, null), Outcome.of(COLUMNS, json));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    ``                       | empty_payload    |
                    ` ␉␍␊ `                  | empty_payload    |
                    []                       | not_an_object    |
                    [{"a":1}]                | not_an_object    |
                    "a"                      | not_an_object    |
                    null                     | not_an_object    |
                    -1.5                     | not_an_object    |
                    nope                     | malformed_json   |
                    -                        | malformed_json   |
                    "a                       | malformed_json   |
                    "\\ud800"                | lone_surrogate   |
                    {"a":1} trailing         | trailing_data    |
                    {"a":1}{"a":2}           | trailing_data    |
                    {"a":1},                 | trailing_data    |
                    {"a":1}}                 | trailing_data    |
                    {"a":1}␀                | trailing_data    |
                    {"a":1}//                | trailing_data    |
                    {                        | malformed_json   |
                    }                        | malformed_json   |
                    {"a                      | malformed_json   |
                    {"a"                     | malformed_json   | a
                    {"a":                    | malformed_json   | a
                    {"a":1                   | malformed_json   |
                    {"a":1,                  | malformed_json   |
                    {"a":1,}                 | malformed_json   |
                    {,"a":1}                 | malformed_json   |
                    {"a":1,,"b":"x"}         | malformed_json   |
                    {"a":1 "b":"x"}          | malformed_json   |
                    {"a" 1}                  | malformed_json   | a
                    {"a":}                   | malformed_json   | a
                    {"a"::1}                 | malformed_json   | a
                    {a:1}                    | malformed_json   |
                    {'a':1}                  | malformed_json   |
                    {null:1}                 | malformed_json   |
                    {"a":1]                  | malformed_json   |
                    /**/{"a":1}              | malformed_json   |
                    {"a":/**/1}              | malformed_json   | a
                    {"a":1/**/}              | malformed_json   |
                    {"a":1,#␊"b":"x"}        | malformed_json   |
                    {"b":"x␀"}              | malformed_json   | b
                    {"b":"x␊y"}              | malformed_json   | b
                    {"b":"␉"}                | malformed_json   | b
                    {"z":"␉"}                | malformed_json   |
                    {"␉":1}                  | malformed_json   |
                    {␀"a":1}                 | malformed_json   |
                    {"a":1␌}                 | malformed_json   |
                    {"a":1\u00a0}            | malformed_json   |
                    {"b":"␡"} x              | trailing_data    |
                    {"b":"x                  | malformed_json   | b
                    {"b":"x\\                | malformed_json   | b
                    {"b":"x\\u12             | malformed_json   | b
                    {"b":"x\\"}              | malformed_json   | b
                    {"a":1,"a":1}            | duplicate_field  | a
                    {"a":null,"a":1}         | duplicate_field  | a
                    {"a":1,"b":"x","\\u0061":2} | duplicate_field | a
                    {"a":"1"}                | wrong_type       | a
                    {"a":{"a":1}}            | wrong_type       | a
                    {"b":1}                  | wrong_type       | b
                    {"a":1.9}                | not_an_integer   | a
                    {"a":2147483648}         | integer_out_of_range | a
                    {"b":"\\ud800"}          | lone_surrogate   | b
                    {"\\ud800":1}            | lone_surrogate   |
                    {"z":"\\ud800"}          | lone_surrogate   |
                    {"z":{"\\udfff":1}}      | lone_surrogate   |
                    {"z":[1,]}               | malformed_json   |
                    {"z":[,1]}               | malformed_json   |
                    {"z":[1 2]}              | malformed_json   |
                    {"z":[1}                 | malformed_json   |
                    {"z":{"y":1]}            | malformed_json   |
                    {"z":{"y":1,}}           | malformed_json   |
                    {"z":{"y"}}              | malformed_json   |
                    {"z":{1:2}}              | malformed_json   |
                    {"z":[                   | malformed_json   |
                    {"z":01}                 | malformed_json   |
                    {"z":tru}                | malformed_json   |
                    {"z":NaN}                | malformed_json   |
                    """)
    void refused(String json, String reason, String field) {
        Outcome outcome = Outcome.of(COLUMNS, controls(json));
        assertEquals(new Outcome(List.of(Outcome.NULL, Outcome.NULL), reason, field), outcome);
    }

    /** Control pictures stand for control characters, which the table's own parser would strip. */
    private static String controls(String pictures) {
        return pictures
                .codePoints()
                .map(c -> c >= '␀' && c < '␠' ? c - '␀' : c == '␡' ? 0x7F : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** The first violation is reported; after it, a later one must still refuse the record. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"a":1.5,"b":2}          | not_an_integer  | a
                    {"b":2,"a":1.5}          | wrong_type      | b
                    {"a":"x","a":1           | wrong_type      | a
                    {"a":1,"b":"x"           | malformed_json  |
                    {"a":1,"b":"x"} x        | trailing_data   |
                    {"a":"\\ud800"}          | lone_surrogate  | a
                    {"a":[[[                 | wrong_type      | a
                    {"a":tru}                | malformed_json  | a
                    """)
    void firstOffenceWins(String json, String reason, String field) {
        refused(json, reason, field);
    }

    @Test
    void nullPayload() {
        assertEquals("null_payload", Outcome.of(COLUMNS, (byte[]) null).reason());
    }

    @Test
    void nestingIsBoundedWithoutRecursion() {
        assertNull(Outcome.of(COLUMNS, nested("[", 64, "]")).reason());
        assertNull(Outcome.of(COLUMNS, nested("{\"a\":", 63, "}").replace(":}", ":{}}")).reason());
        assertEquals("nesting_too_deep", Outcome.of(COLUMNS, nested("[", 65, "]")).reason());
        assertEquals("nesting_too_deep", Outcome.of(COLUMNS, nested("[", 100_000, "")).reason());
        assertEquals("nesting_too_deep", Outcome.of(COLUMNS, nested("{\"a\":", 100_000, "")).reason());
        assertEquals("not_an_object", Outcome.of(COLUMNS, "[".repeat(100_000)).reason());
        assertNull(Outcome.of(COLUMNS, "{\"z\":[" + "[],{},".repeat(10_000) + "1]}").reason());
    }

    private static String nested(String open, int depth, String close) {
        return "{\"z\":" + open.repeat(depth) + close.repeat(depth) + "}";
    }

    /** Brackets must match kind by kind at every level, up to the deepest that is allowed. */
    @Test
    void mixedNestingIsMatched() {
        String open = "[{\"k\":".repeat(32);
        assertNull(Outcome.of(COLUMNS, "{\"z\":" + open + "0" + "}]".repeat(32) + "}").reason());
        for (int wrong = 0; wrong < 64; wrong++) {
            char[] close = "}]".repeat(32).toCharArray();
            close[wrong] = close[wrong] == ']' ? '}' : ']';
            String json = "{\"z\":" + open + "0" + new String(close) + "}";
            assertEquals("malformed_json", Outcome.of(COLUMNS, json).reason(), json);
        }
    }

    @Test
    void unknownFieldsAreRejectedOnDemand() {
        StrictJsonDecoder decoder =
                new StrictJsonDecoder(Outcome.columns(COLUMNS), UnknownFields.REJECT);
        assertEquals(null, reason(decoder, "{\"a\":1}"));
        assertEquals("unknown_field", reason(decoder, "{\"a\":1,\"z\":1}"));
        assertNull(decoder.field());
        assertEquals("unknown_field", reason(decoder, "{\"A\":1}"));
        assertEquals("malformed_json", reason(decoder, "{\"z"));
    }

    private static String reason(StrictJsonDecoder decoder, String json) {
        return Outcome.of(Outcome.columns(COLUMNS), decoder, json.getBytes(UTF_8)).reason();
    }

    /** One decoder must not remember anything of the records before. */
    @Test
    void recordsAreIndependent() {
        List<String> records =
                List.of("{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"a\":2}", "{\"b\":\"x\"}", "", "{\"a\":1.5}",
                        "{\"b\":\"x\",\"a\":1}", "{\"z\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":\"x\"} x", "{}");
        StrictJsonDecoder shared =
                new StrictJsonDecoder(Outcome.columns(COLUMNS), UnknownFields.IGNORE);
        for (String first : records) {
            for (String second : records) {
                Outcome.of(Outcome.columns(COLUMNS), shared, first.getBytes(UTF_8));
                Outcome outcome =
                        Outcome.of(Outcome.columns(COLUMNS), shared, second.getBytes(UTF_8));
                assertEquals(Outcome.of(COLUMNS, second), outcome, first + " then " + second);
            }
        }
    }

    @Test
    void hundredsOfColumnsInAnyOrder() {
        List<Integer> order = IntStream.range(0, 300).boxed().collect(Collectors.toList());
        String ddl = order.stream().map(i -> "c" + i + " INT").collect(Collectors.joining(","));
        StrictJsonDecoder decoder = new StrictJsonDecoder(Outcome.columns(ddl), UnknownFields.REJECT);
        List<String> expected = order.stream().map(String::valueOf).toList();
        for (int round = 0; round < 4; round++) {
            String fields =
                    order.stream().map(i -> "\"c" + i + "\":" + i).collect(Collectors.joining(","));
            byte[] json = ("{" + fields + "}").getBytes(UTF_8);
            assertEquals(
                    new Outcome(expected, null, null), Outcome.of(Outcome.columns(ddl), decoder, json));
            byte[] twice = ("{" + fields + ",\"c299\":1}").getBytes(UTF_8);
            Outcome outcome = Outcome.of(Outcome.columns(ddl), decoder, twice);
            assertEquals("duplicate_field", outcome.reason());
            assertEquals("c299", outcome.field());
            assertTrue(outcome.allNull());
            Collections.shuffle(order, new Random(round));
        }
    }

    /** A column's raw name must not be taken for the end of a JSON string, or for an escape. */
    @Test
    void columnNamesThatJsonMustEscape() {
        String ddl = "`a\"b` INT, `c\\d` INT, `é` INT";
        assertEquals(
                new Outcome(List.of("1", "2", "3"), null, null),
                Outcome.of(ddl, "{\"a\\\"b\":1,\"c\\\\d\":2,\"\\u00e9\":3}"));
        assertEquals("malformed_json", Outcome.of(ddl, "{\"a\"b\":1}").reason());
        assertEquals("malformed_json", Outcome.of(ddl, "{\"c\\d\":1}").reason());
    }

    @Test
    void aDecoderWithoutColumnsJudgesStructureOnly() {
        RowType none = RowType.of();
        StrictJsonDecoder decoder = new StrictJsonDecoder(none, UnknownFields.IGNORE);
        List<String> reasons = new ArrayList<>();
        for (String json : List.of("{}", "{\"a\":1}", "{\"a\":}")) {
            reasons.add(Outcome.of(none, decoder, json.getBytes(UTF_8)).reason());
        }
        assertEquals(Arrays.asList(null, null, "malformed_json"), reasons);
    }
}

package headrace.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dates and instants: what is kept, and what is refused for which reason. */
class TimeTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    DATE | 2024-02-29  | 2024-02-29
                    DATE | 2000-02-29  | 2000-02-29
                    DATE | 0001-01-01  | 0001-01-01
                    DATE | 1969-12-31  | 1969-12-31
                    DATE | 9999-12-31  | 9999-12-31
                    DATE | 2023-02-29  | bad_date
                    DATE | 1900-02-29  | bad_date
                    DATE | 2024-04-31  | bad_date
                    DATE | 2024-13-01  | bad_date
                    DATE | 2024-00-01  | bad_date
                    DATE | 2024-01-00  | bad_date
                    DATE | 2024-01-32  | bad_date
                    DATE | 0000-01-01  | bad_date
                    DATE | 2024-1-1    | bad_date
                    DATE | 2024/01/01  | bad_date
                    DATE | 2024-01-01Z | bad_date
                    DATE | 20x4-01-01  | bad_date
                    DATE | 2024-01-0a  | bad_date
                    DATE | -024-01-01  | bad_date
                    DATE | today       | bad_date
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59.123Z         | 2026-01-31T23:59:59.123Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59Z             | 2026-01-31T23:59:59Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59.1Z           | 2026-01-31T23:59:59.100Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59.1230000000000Z | 2026-01-31T23:59:59.123Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59.1234567Z     | timestamp_precision
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:59.12300000001Z | timestamp_precision
                    TIMESTAMP_LTZ(0) | 2026-01-31T23:59:59.0Z           | 2026-01-31T23:59:59Z
                    TIMESTAMP_LTZ(0) | 2026-01-31T23:59:59.1Z           | timestamp_precision
                    TIMESTAMP_LTZ(6) | 1969-12-31T23:59:59.999999Z      | 1969-12-31T23:59:59.999999Z
                    TIMESTAMP_LTZ(6) | 2026-01-31T23:59:59.0000001Z     | timestamp_precision
                    TIMESTAMP_LTZ(3) | 2026-02-01T00:30:00+01:00        | 2026-01-31T23:30:00Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:30:00.5-09:45      | 2026-02-01T09:15:00.500Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00-00:00        | 2026-01-31T00:00:00Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+18:00        | 2026-01-30T06:00:00Z
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+18:01        | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+01:60        | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+0100         | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+01           | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00+1:00         | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00ZZ            | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00              | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00.             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00.5            | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00.Z            | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:05.ab3Z         | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00,5Z           | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00:00z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31t00:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31 00:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026x01x02T00:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T00:00Z                | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T25:99:99Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T24:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:60:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T23:59:60Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-02-29T00:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-04-31T00:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T0a:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 2026-01-31T-1:00:00Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | 0001-01-01T00:00:00Z             | 0001-01-01T00:00:00Z
                    TIMESTAMP_LTZ(3) | 0001-01-01T00:00:00+00:01        | bad_timestamp
                    TIMESTAMP_LTZ(6) | 9999-12-31T23:59:59.999999Z      | 9999-12-31T23:59:59.999999Z
                    TIMESTAMP_LTZ(3) | 9999-12-31T23:59:59-00:01        | bad_timestamp
                    TIMESTAMP_LTZ(3) | 0000-12-31T23:59:59Z             | bad_timestamp
                    TIMESTAMP_LTZ(3) | +10000-01-01T00:00:00Z           | bad_timestamp
                    TIMESTAMP_LTZ(3) | 1767225600                       | bad_timestamp
                    TIMESTAMP_LTZ(3) | now                              | bad_timestamp
                    """)
    void time(String type, String text, String expected) {
        assertEquals(expected, Outcome.ofValue(type, '"' + text + '"'));
    }

    @Test
    void timeIsReadFromStringsOnly() {
        assertEquals("wrong_type", Outcome.ofValue("DATE", "19000"));
        assertEquals("wrong_type", Outcome.ofValue("TIMESTAMP_LTZ(3)", "1767225600000"));
        assertEquals("2024-02-29", Outcome.ofValue("DATE", "\"2024\\u002d02-29\""));
        assertEquals(
                "2026-01-31T00:00:00Z",
                Outcome.ofValue("TIMESTAMP_LTZ(3)", "\"2026-01-31T00:00:00\\u005a\""));
    }

    @Test
    void aMillionZerosAreNoPrecision() {
        String text = "2026-01-31T00:00:00." + "0".repeat(1_000_000);
        assertEquals("2026-01-31T00:00:00Z", Outcome.ofValue("TIMESTAMP_LTZ(3)", '"' + text + "Z\""));
        assertEquals(
                "timestamp_precision", Outcome.ofValue("TIMESTAMP_LTZ(3)", '"' + text + "1Z\""));
    }
}

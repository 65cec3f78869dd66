package headrace.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers and booleans: what is kept, and what is refused for which reason. */
class NumbersTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    INT     | 0                     | 0
                    INT     | -0                    | 0
                    INT     | 2147483647            | 2147483647
                    INT     | -2147483648           | -2147483648
                    INT     | 2147483648            | integer_out_of_range
                    INT     | -2147483649           | integer_out_of_range
                    INT     | 99999999999999999999  | integer_out_of_range
                    INT     | 18446744073709551617  | integer_out_of_range
                    INT     | 1.9                   | not_an_integer
                    INT     | 1.0                   | not_an_integer
                    INT     | 1e2                   | not_an_integer
                    INT     | 1E-2                  | not_an_integer
                    INT     | 1e999999999           | not_an_integer
                    INT     | "1"                   | wrong_type
                    INT     | true                  | wrong_type
                    INT     | null                  | NULL
                    BIGINT  | 9223372036854775807   | 9223372036854775807
                    BIGINT  | -9223372036854775808  | -9223372036854775808
                    BIGINT  | 9223372036854775808   | integer_out_of_range
                    BIGINT  | -9223372036854775809  | integer_out_of_range
                    BIGINT  | 9999999999999999999   | integer_out_of_range
                    BIGINT  | -9999999999999999999  | integer_out_of_range
                    BIGINT  | 18446744073709551616  | integer_out_of_range
                    BIGINT  | 1.0                   | not_an_integer
                    BIGINT  | 01                    | malformed_json
                    BIGINT  | -01                   | malformed_json
                    BIGINT  | 00                    | malformed_json
                    BIGINT  | +1                    | malformed_json
                    BIGINT  | .5                    | malformed_json
                    BIGINT  | 1.                    | malformed_json
                    BIGINT  | 1.e1                  | malformed_json
                    BIGINT  | 1e                    | malformed_json
                    BIGINT  | 1e+                   | malformed_json
                    BIGINT  | 1ee1                  | malformed_json
                    BIGINT  | -                     | malformed_json
                    BIGINT  | --1                   | malformed_json
                    BIGINT  | 1 2                   | malformed_json
                    BIGINT  | 1x                    | malformed_json
                    BIGINT  | 0x10                  | malformed_json
                    BIGINT  | 1_000                 | malformed_json
                    BIGINT  | 1L                    | malformed_json
                    BOOLEAN | true                  | true
                    BOOLEAN | false                 | false
                    BOOLEAN | null                  | NULL
                    BOOLEAN | "true"                | wrong_type
                    BOOLEAN | "abc"                 | wrong_type
                    BOOLEAN | "yes"                 | wrong_type
                    BOOLEAN | 1                     | wrong_type
                    BOOLEAN | TRUE                  | malformed_json
                    BOOLEAN | tru                   | malformed_json
                    BOOLEAN | truex                 | malformed_json
                    BOOLEAN | nul                   | malformed_json
                    BOOLEAN | nullnull              | malformed_json
                    BOOLEAN | undefined             | malformed_json
                    """)
    void wholeNumbersAndBooleans(String type, String json, String expected) {
        assertEquals(expected, Outcome.ofValue(type, json));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    DECIMAL(4,2)   | 12.34              | 12.34
                    DECIMAL(4,2)   | "12.34"            | 12.34
                    DECIMAL(4,2)   | -12.3              | -12.30
                    DECIMAL(4,2)   | "-0.01"            | -0.01
                    DECIMAL(4,2)   | 12.3400000         | 12.34
                    DECIMAL(4,2)   | 12.340000000000000000000000000000000000000000 | 12.34
                    DECIMAL(4,2)   | 1e1                | 10.00
                    DECIMAL(4,2)   | 1234e-2            | 12.34
                    DECIMAL(4,2)   | 0.0012E+4          | 12.00
                    DECIMAL(4,2)   | 0                  | 0.00
                    DECIMAL(4,2)   | -0                 | 0.00
                    DECIMAL(4,2)   | -0.000             | 0.00
                    DECIMAL(4,2)   | 0e999999999999     | 0.00
                    DECIMAL(4,2)   | "0e-999999999999"  | 0.00
                    DECIMAL(4,2)   | 0.00000000000000000000000000e99999999999999999999 | 0.00
                    DECIMAL(4,2)   | 123.45             | decimal_overflow
                    DECIMAL(4,2)   | "123.45"           | decimal_overflow
                    DECIMAL(4,2)   | 100                | decimal_overflow
                    DECIMAL(4,2)   | 99.99              | 99.99
                    DECIMAL(4,2)   | 99.999             | decimal_scale
                    DECIMAL(4,2)   | 1.239              | decimal_scale
                    DECIMAL(4,2)   | 0.001              | decimal_scale
                    DECIMAL(4,2)   | 100.001            | decimal_overflow
                    DECIMAL(4,2)   | 1e2147483647       | decimal_overflow
                    DECIMAL(4,2)   | "1e2147483647"     | decimal_overflow
                    DECIMAL(4,2)   | 1e999999999        | decimal_overflow
                    DECIMAL(4,2)   | 1e-999999999       | decimal_scale
                    DECIMAL(4,2)   | 1e99999999999999999999999  | decimal_overflow
                    DECIMAL(4,2)   | 1e-99999999999999999999999 | decimal_scale
                    DECIMAL(4,2)   | 1e18446744073709551617  | decimal_overflow
                    DECIMAL(4,2)   | 1e-18446744073709551617 | decimal_scale
                    DECIMAL(4,2)   | 123456789012345678901234567890e-28 | decimal_scale
                    DECIMAL(4,2)   | 120000000000000000000000000000e-28 | 12.00
                    DECIMAL(4,2)   | 12345678901234567890.1 | decimal_overflow
                    DECIMAL(4,2)   | 18446744073709551616e-19 | decimal_scale
                    DECIMAL(18,0)  | 999999999999999999 | 999999999999999999
                    DECIMAL(18,0)  | 1000000000000000000 | decimal_overflow
                    DECIMAL(18,18) | 0.123456789012345678 | 0.123456789012345678
                    DECIMAL(18,18) | 1                  | decimal_overflow
                    DECIMAL(19,0)  | 9999999999999999999 | 9999999999999999999
                    DECIMAL(38,0)  | 99999999999999999999999999999999999999 | 99999999999999999999999999999999999999
                    DECIMAL(38,0)  | 1e37               | 10000000000000000000000000000000000000
                    DECIMAL(38,0)  | 1e38               | decimal_overflow
                    DECIMAL(38,0)  | 100000000000000000000000000000000000000 | decimal_overflow
                    DECIMAL(38,38) | -0.00000000000000000000000000000000000001 | -0.00000000000000000000000000000000000001
                    DECIMAL(38,38) | 1e-39              | decimal_scale
                    DECIMAL(38,10) | 1234567890.12345678901 | decimal_scale
                    DECIMAL(38,10) | 1234567890.1234567890  | 1234567890.1234567890
                    DECIMAL(4,2)   | "+1"               | bad_decimal
                    DECIMAL(4,2)   | "1."               | bad_decimal
                    DECIMAL(4,2)   | ".5"               | bad_decimal
                    DECIMAL(4,2)   | " 1"               | bad_decimal
                    DECIMAL(4,2)   | "1 "               | bad_decimal
                    DECIMAL(4,2)   | "01"               | bad_decimal
                    DECIMAL(4,2)   | ""                 | bad_decimal
                    DECIMAL(4,2)   | "-"                | bad_decimal
                    DECIMAL(4,2)   | "1e"               | bad_decimal
                    DECIMAL(4,2)   | "1,5"              | bad_decimal
                    DECIMAL(4,2)   | "NaN"              | bad_decimal
                    DECIMAL(4,2)   | "١"                | bad_decimal
                    DECIMAL(4,2)   | "1\\u0030"         | 10.00
                    DECIMAL(4,2)   | true               | wrong_type
                    DECIMAL(4,2)   | [1]                | wrong_type
                    DECIMAL(4,2)   | null               | NULL
                    DOUBLE         | 1                  | 1.0
                    DOUBLE         | -0                 | -0.0
                    DOUBLE         | -0.0e9999999999    | -0.0
                    DOUBLE         | 0.0000000000000000000000000000000 | 0.0
                    DOUBLE         | 0.1                | 0.1
                    DOUBLE         | 123456789.125      | 1.23456789125E8
                    DOUBLE         | 1e22               | 1.0E22
                    DOUBLE         | 1e25               | 1.0E25
                    DOUBLE         | 12345678901234567890 | 1.2345678901234567E19
                    DOUBLE         | 1.7976931348623157e308 | 1.7976931348623157E308
                    DOUBLE         | 4.9e-324           | 4.9E-324
                    DOUBLE         | 1e400              | double_out_of_range
                    DOUBLE         | -1e400             | double_out_of_range
                    DOUBLE         | 1e99999999999999999999 | double_out_of_range
                    DOUBLE         | 1e18446744073709551617 | double_out_of_range
                    DOUBLE         | 1e-400             | double_out_of_range
                    DOUBLE         | 0.00000000000000000001e-310 | double_out_of_range
                    DOUBLE         | "NaN"              | wrong_type
                    DOUBLE         | "1.5"              | wrong_type
                    DOUBLE         | NaN                | malformed_json
                    DOUBLE         | Infinity           | malformed_json
                    DOUBLE         | -Infinity          | malformed_json
                    """)
    void fractions(String type, String json, String expected) {
        assertEquals(expected, Outcome.ofValue(type, json));
    }

    /** A million digits must cost about as much as reading them, in every type. */
    @Test
    void millionsOfDigitsAreJudgedWithoutBuildingTheNumber() {
        String digits = "7".repeat(1_000_000);
        String zeros = "0".repeat(1_000_000);
        assertEquals("integer_out_of_range", Outcome.ofValue("BIGINT", digits));
        assertEquals("decimal_overflow", Outcome.ofValue("DECIMAL(38,2)", digits));
        assertEquals("decimal_scale", Outcome.ofValue("DECIMAL(38,2)", "0." + digits));
        assertEquals("1.00", Outcome.ofValue("DECIMAL(38,2)", "1." + zeros));
        assertEquals("1.00", Outcome.ofValue("DECIMAL(38,2)", "1" + zeros + "e-1000000"));
        assertEquals("0.10", Outcome.ofValue("DECIMAL(38,2)", "0." + zeros + "1e1000000"));
        assertEquals("double_out_of_range", Outcome.ofValue("DOUBLE", digits));
        assertEquals("0.5", Outcome.ofValue("DOUBLE", "0.5" + zeros));
    }
}

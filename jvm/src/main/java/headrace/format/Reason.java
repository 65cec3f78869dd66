package headrace.format;

import java.util.Locale;

/**
 * Why a record could not be decoded.
 *
 * <p>The {@link #code()} of each constant is a <b>stable public code</b>: it is stored in quarantine
 * tables and alerted on. Constants may be added; none may be renamed or given another meaning.
 */
public enum Reason {

    /** The record has no value at all (a Kafka tombstone). */
    NULL_PAYLOAD,

    /** The value has zero bytes, or nothing but JSON whitespace. */
    EMPTY_PAYLOAD,

    /** The value begins with a UTF-8 byte order mark, which RFC 8259 forbids producers to send. */
    BYTE_ORDER_MARK,

    /** A byte sequence is not UTF-8, or the whole value is UTF-16 or UTF-32. */
    NOT_UTF8,

    /** The bytes break the grammar of RFC 8259. */
    MALFORMED_JSON,

    /** Something other than whitespace follows the object. */
    TRAILING_DATA,

    /** The value is JSON, but not an object. */
    NOT_AN_OBJECT,

    /** A column is named twice, so which value is meant would be a guess. */
    DUPLICATE_FIELD,

    /** A name is not a column, and the format is configured to reject such records. */
    UNKNOWN_FIELD,

    /** An escape is one half of a surrogate pair without the other: not Unicode text. */
    LONE_SURROGATE,

    /** A value of an unknown field nests deeper than {@value JsonScanner#MAX_DEPTH} levels. */
    NESTING_TOO_DEEP,

    /** A column that is declared NOT NULL is null or absent. */
    REQUIRED_MISSING,

    /** The JSON type is not the one this column's type is read from. */
    WRONG_TYPE,

    /** A string has more characters than the column's VARCHAR(n) holds. */
    STRING_TOO_LONG,

    /** A whole number does not fit INT or BIGINT. */
    INTEGER_OUT_OF_RANGE,

    /** A number for INT or BIGINT is written with a fraction or an exponent, even 1.0 or 1e2. */
    NOT_AN_INTEGER,

    /** A string for a DECIMAL is not exactly a JSON number. */
    BAD_DECIMAL,

    /** The whole part of a number does not fit DECIMAL(p, s). */
    DECIMAL_OVERFLOW,

    /** A number has more non-zero fraction digits than DECIMAL(p, s) keeps. */
    DECIMAL_SCALE,

    /** A number would become infinite, or a non-zero number would become zero, in a DOUBLE. */
    DOUBLE_OUT_OF_RANGE,

    /** A string is not a calendar day written YYYY-MM-DD, within the years 0001 to 9999. */
    BAD_DATE,

    /** A string is not an RFC 3339 instant with seconds and offset, within the years 0001 to 9999. */
    BAD_TIMESTAMP,

    /** An instant has more non-zero fraction digits than the column keeps. */
    TIMESTAMP_PRECISION;

    private final String code = name().toLowerCase(Locale.ROOT);

    /** The stable public code, such as {@code duplicate_field}. */
    public String code() {
        return code;
    }
}

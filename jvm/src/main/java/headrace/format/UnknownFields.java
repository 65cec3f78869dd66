package headrace.format;

import java.util.Locale;

/** What becomes of a record that has fields which are no columns. */
public enum UnknownFields {

    /** They are checked as JSON and skipped: a producer may add fields before the contract does. */
    IGNORE,

    /** The record is not decoded: for contracts that close the door to undeclared data. */
    REJECT;

    /** The text of the option's value; Flink prints it in its error messages. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.ProjectableDecodingFormat;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.runtime.connector.source.ScanRuntimeProviderContext;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.utils.TypeConversions;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The format as Flink uses it: found, configured, planned, shipped and run. */
class StrictJsonFormatTest {

    private static final DataType COLUMNS = type("a INT, b STRING");

    private static DataType type(String ddl) {
        return TypeConversions.fromLogicalToDataType(Outcome.columns(ddl));
    }

    private static DecodingFormat<DeserializationSchema<RowData>> format(Map<String, String> options) {
        DeserializationFormatFactory factory =
                FactoryUtil.discoverFactory(
                        StrictJsonFormatTest.class.getClassLoader(),
                        DeserializationFormatFactory.class,
                        "strict-json");
        return factory.createDecodingFormat(null, Configuration.fromMap(options));
    }

    /** The schema as a task gets it: planned, serialized, opened. */
    private static DeserializationSchema<RowData> schema(
            Map<String, String> options, DataType columns, String... metadata) throws Exception {
        DecodingFormat<DeserializationSchema<RowData>> format = format(options);
        format.applyReadableMetadata(List.of(metadata));
        DeserializationSchema<RowData> schema =
                InstantiationUtil.clone(
                        format.createRuntimeDecoder(ScanRuntimeProviderContext.INSTANCE, columns));
        schema.open(null);
        return schema;
    }

    private static GenericRowData decode(DeserializationSchema<RowData> schema, String json)
            throws Exception {
        return (GenericRowData) schema.deserialize(json.getBytes(UTF_8));
    }

    @Test
    void metadata() {
        Map<String, DataType> expected =
                Map.of(
                        "payload", DataTypes.BYTES(),
                        "reason", DataTypes.STRING(),
                        "field", DataTypes.STRING());
        assertEquals(expected, format(Map.of()).listReadableMetadata());
        assertEquals(ChangelogMode.insertOnly(), format(Map.of()).getChangelogMode());
    }

    /** Metadata columns come in the requested order, after the physical ones. */
    @Test
    void rows() throws Exception {
        DeserializationSchema<RowData> schema = schema(Map.of(), COLUMNS, "reason", "payload", "field");
        byte[] good = "{\"a\":1,\"b\":\"x\"}".getBytes(UTF_8);
        byte[] bad = "{\"a\":1,\"b\":2}".getBytes(UTF_8);

        assertEquals(
                GenericRowData.of(1, StringData.fromString("x"), null, good, null),
                schema.deserialize(good));
        assertEquals(
                GenericRowData.of(
                        null, null, StringData.fromString("wrong_type"), bad, StringData.fromString("b")),
                schema.deserialize(bad));
        assertEquals(
                GenericRowData.of(null, null, StringData.fromString("null_payload"), null, null),
                schema.deserialize(null));
        assertSame(bad, ((GenericRowData) schema.deserialize(bad)).getField(3));
        assertNotSame(schema.deserialize(good), schema.deserialize(good));
    }

    @Test
    void onlyTheMetadataAskedFor() throws Exception {
        assertEquals(2, decode(schema(Map.of(), COLUMNS), "{").getArity());
        GenericRowData row = decode(schema(Map.of(), COLUMNS, "field"), "{\"b\":1}");
        assertEquals(GenericRowData.of(null, null, StringData.fromString("b")), row);
    }

    /** The produced type and the row agree, as the serializer between two tasks needs it. */
    @Test
    void rowsSurviveTheirSerializer() throws Exception {
        DataType columns = type(Documents.COLUMNS);
        DeserializationSchema<RowData> schema = schema(Map.of(), columns, "payload", "reason", "field");
        RowDataSerializer serializer =
                ((InternalTypeInfo<RowData>) schema.getProducedType()).toRowSerializer();
        Documents documents = new Documents(6);
        for (int n = 0; n < 1_000; n++) {
            RowData row = schema.deserialize(documents.mutated());
            RowData copy = serializer.toBinaryRow(row).copy();
            assertEquals(serializer.toBinaryRow(row), copy);
            assertArrayEquals(row.getBinary(10), copy.getBinary(10));
        }
        RowData none = serializer.toBinaryRow(schema.deserialize(null));
        assertTrue(none.isNullAt(10) && !none.isNullAt(11));
    }

    @Test
    void unknownFields() throws Exception {
        DeserializationSchema<RowData> schema =
                schema(Map.of("unknown-fields", "reject"), COLUMNS, "reason");
        GenericRowData refused = GenericRowData.of(null, null, StringData.fromString("unknown_field"));
        assertEquals(refused, decode(schema, "{\"a\":1,\"c\":2}"));
        assertEquals(GenericRowData.of(1, null, null), decode(schema, "{\"a\":1}"));
        assertEquals(
                GenericRowData.of(1, null, null),
                decode(schema(Map.of("unknown-fields", "ignore"), COLUMNS, "reason"), "{\"a\":1,\"c\":2}"));
        assertThrows(RuntimeException.class, () -> format(Map.of("unknown-fields", "maybe")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CHAR(3)", "BYTES", "TINYINT", "SMALLINT", "FLOAT", "TIME(0)", "TIMESTAMP(3)",
                "TIMESTAMP_LTZ(9)", "TIMESTAMP_LTZ(7)", "ARRAY<INT>", "MAP<STRING, INT>", "ROW<x INT>"
            })
    void whatCannotBePromisedIsRefusedAtPlanning(String type) {
        DataType columns = type("fine INT, odd " + type);
        DecodingFormat<?> format = format(Map.of());
        String message =
                assertThrows(
                                ValidationException.class,
                                () -> format.createRuntimeDecoder(ScanRuntimeProviderContext.INSTANCE, columns))
                        .getMessage();
        assertTrue(message.contains("'odd'"), message);
    }

    @Test
    void aColumnThatIsNotNullHasToBeThereAndIsEmptyInABadRecord() throws Exception {
        DataType columns = type("k STRING NOT NULL, n BIGINT NOT NULL, v INT");
        DeserializationSchema<RowData> schema = schema(Map.of(), columns, "reason", "field");
        StringData missing = StringData.fromString("required_missing");
        StringData none = StringData.fromString("");
        GenericRowData without = GenericRowData.of(none, 0L, null, missing, StringData.fromString("n"));
        assertEquals(without, decode(schema, "{\"k\":\"a\",\"v\":1}"));
        assertEquals(without, decode(schema, "{\"k\":\"a\",\"n\":null,\"v\":1}"));
        StringData malformed = StringData.fromString("malformed_json");
        assertEquals(
                GenericRowData.of(none, 0L, null, malformed, null), decode(schema, "{\"k\":\"a\","));
        assertEquals(
                GenericRowData.of(none, 0L, null, StringData.fromString("null_payload"), null),
                schema.deserialize(null));
        assertEquals(
                GenericRowData.of(StringData.fromString("a"), 2L, null, null, null),
                decode(schema, "{\"k\":\"a\",\"n\":2}"));
    }

    @Test
    void versionsAreAnnouncedAsACompleteChangelog() {
        assertEquals(ChangelogMode.insertOnly(), format(Map.of()).getChangelogMode());
        assertEquals(ChangelogMode.all(), format(Map.of("versions", "true")).getChangelogMode());
    }

    @Test
    void aNameThatIsNoTextIsRefusedAtPlanning() {
        DataType columns = DataTypes.ROW(DataTypes.FIELD("\ud800", DataTypes.INT()));
        assertThrows(
                ValidationException.class,
                () -> format(Map.of()).createRuntimeDecoder(ScanRuntimeProviderContext.INSTANCE, columns));
    }

    /** A decoder that leaves out columns would accept what ingest quarantined. */
    @Test
    void projectionIsNotPushedIntoTheDecoder() {
        assertTrue(!(format(Map.of()) instanceof ProjectableDecodingFormat));
    }

    @Test
    void codesAreStable() {
        String codes =
                Arrays.stream(Reason.values()).map(Reason::code).collect(Collectors.joining(" "));
        assertEquals(
                "null_payload empty_payload byte_order_mark not_utf8 malformed_json trailing_data "
                        + "not_an_object duplicate_field unknown_field lone_surrogate nesting_too_deep "
                        + "required_missing wrong_type string_too_long integer_out_of_range not_an_integer bad_decimal "
                        + "decimal_overflow decimal_scale double_out_of_range bad_date bad_timestamp "
                        + "timestamp_precision",
                codes);
    }

    /** Through SQL, on a local cluster. The file system connector shows no format metadata. */
    @Test
    void sql(@TempDir Path folder) throws Exception {
        Files.writeString(
                folder.resolve("records.json"), "{\"a\":1,\"b\":\"x\"}\n{\"a\":1.9,\"b\":\"y\"}\nnope\n");
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inBatchMode());
        tables.executeSql(
                String.format(
                        "CREATE TABLE records (a INT, b STRING) WITH ('connector' = 'filesystem', "
                                + "'path' = '%s', 'format' = 'strict-json', "
                                + "'strict-json.unknown-fields' = 'reject')",
                        folder.toUri()));
        List<Row> rows = new ArrayList<>();
        try (CloseableIterator<Row> result = tables.executeSql("SELECT a, b FROM records").collect()) {
            result.forEachRemaining(rows::add);
        }
        assertEquals(List.of(Row.of(1, "x"), Row.of(null, null), Row.of(null, null)), rows);
    }
}

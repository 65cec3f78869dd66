package headrace.format;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * What the planner asks of the format: its metadata columns and its decoder.
 *
 * <p>It is deliberately no {@code ProjectableDecodingFormat}. If a query that reads three columns
 * decoded only these, it would accept records that the ingest job of the same contract quarantines.
 */
final class StrictJsonFormat implements DecodingFormat<DeserializationSchema<RowData>> {

    private final UnknownFields unknownFields;
    private final boolean versions;
    private List<String> metadataKeys = List.of();

    StrictJsonFormat(UnknownFields unknownFields, boolean versions) {
        this.unknownFields = unknownFields;
        this.versions = versions;
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        Map<String, DataType> metadata = new LinkedHashMap<>();
        for (Metadata column : Metadata.values()) {
            metadata.put(column.key(), column.type());
        }
        return metadata;
    }

    @Override
    public void applyReadableMetadata(List<String> keys) {
        metadataKeys = List.copyOf(keys);
    }

    @Override
    public DeserializationSchema<RowData> createRuntimeDecoder(
            DynamicTableSource.Context context, DataType physicalType) {
        RowType columns = (RowType) physicalType.getLogicalType();
        new StrictJsonDecoder(columns, unknownFields); // refuses here, at planning, what it must refuse
        List<Metadata> metadata = metadataKeys.stream().map(Metadata::of).toList();
        DataType producedType =
                DataTypeUtils.appendRowFields(
                        physicalType,
                        metadata.stream().map(m -> DataTypes.FIELD(m.key(), m.type())).toList());
        return new StrictJsonDeserializationSchema(
                columns, unknownFields, metadata, context.createTypeInformation(producedType));
    }

    /**
     * Rows only ever come. As versions they are announced as a complete changelog: then Flink takes a
     * table with a primary key as versioned, and puts no operator in between that would drop what is
     * older than the newest.
     */
    @Override
    public ChangelogMode getChangelogMode() {
        return versions ? ChangelogMode.all() : ChangelogMode.insertOnly();
    }
}

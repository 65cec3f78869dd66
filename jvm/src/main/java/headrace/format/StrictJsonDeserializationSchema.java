package headrace.format;

import java.util.List;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.RowType;

/**
 * The runtime side of the format: the columns of the decoder, then the metadata columns asked for.
 *
 * <p>Every record makes a new row. A row that is used again would be overwritten while an operator
 * still holds it, wherever object reuse is on.
 */
final class StrictJsonDeserializationSchema implements DeserializationSchema<RowData> {

    private static final long serialVersionUID = 1L;

    private final RowType columns;
    private final UnknownFields unknownFields;
    private final Metadata[] metadata;
    private final TypeInformation<RowData> producedType;

    private transient StrictJsonDecoder decoder;

    StrictJsonDeserializationSchema(
            RowType columns,
            UnknownFields unknownFields,
            List<Metadata> metadata,
            TypeInformation<RowData> producedType) {
        this.columns = columns;
        this.unknownFields = unknownFields;
        this.metadata = metadata.toArray(Metadata[]::new);
        this.producedType = producedType;
    }

    @Override
    public void open(InitializationContext context) {
        decoder = new StrictJsonDecoder(columns, unknownFields);
    }

    @Override
    public RowData deserialize(byte[] payload) {
        GenericRowData row = decoder.decode(payload, metadata.length);
        int position = columns.getFieldCount();
        for (Metadata column : metadata) {
            row.setField(position++, valueOf(column, payload));
        }
        return row;
    }

    private Object valueOf(Metadata column, byte[] payload) {
        return switch (column) {
            case PAYLOAD -> payload;
            case REASON -> decoder.reason() == null ? null : text(decoder.reason().code());
            case FIELD -> text(decoder.field());
        };
    }

    private static StringData text(String value) {
        return StringData.fromString(value);
    }

    @Override
    public boolean isEndOfStream(RowData next) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return producedType;
    }
}

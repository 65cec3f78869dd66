package headrace.format;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.RowType;

/**
 * The decoder as a table function, for payloads that are a column and no record of a topic: {@code
 * LATERAL TABLE(strict_json_rows(payload, 'ROW<id BIGINT, …>', 'ignore'))}. Each payload gives exactly
 * one row: the columns of the type, then {@code _reason} and {@code _field} as in the format.
 */
public final class StrictJsonRows extends TableFunction<RowData> implements SpecializedFunction {

    private static final long serialVersionUID = 1L;

    private final RowType columns;
    private final UnknownFields unknownFields;

    private transient StrictJsonDecoder decoder;

    /** As the planner makes it, before it knows the arguments. */
    public StrictJsonRows() {
        this(RowType.of(), UnknownFields.IGNORE);
    }

    private StrictJsonRows(RowType columns, UnknownFields unknownFields) {
        this.columns = columns;
        this.unknownFields = unknownFields;
    }

    @Override
    public UserDefinedFunction specialize(SpecializedContext context) {
        CallContext call = context.getCallContext();
        RowType row = (RowType) columns(call, call.getDataTypeFactory()).getLogicalType();
        UnknownFields unknown = UnknownFields.valueOf(literal(call, 2).toUpperCase(Locale.ROOT));
        new StrictJsonDecoder(row, unknown); // refuses here, at planning, what it must refuse
        return new StrictJsonRows(row, unknown);
    }

    @Override
    public TypeInference getTypeInference(DataTypeFactory types) {
        return TypeInference.newBuilder()
                .inputTypeStrategy(
                        InputTypeStrategies.sequence(
                                InputTypeStrategies.explicit(DataTypes.BYTES()),
                                InputTypeStrategies.explicit(DataTypes.STRING()),
                                InputTypeStrategies.explicit(DataTypes.STRING())))
                .outputTypeStrategy(call -> Optional.of(produced(columns(call, types))))
                .build();
    }

    @Override
    public void open(FunctionContext context) {
        decoder = new StrictJsonDecoder(columns, unknownFields);
    }

    /** Decodes one payload; the other two arguments are literals, and known since planning. */
    public void eval(byte[] payload, String type, String unknown) {
        GenericRowData row = decoder.decode(payload, 2);
        int reason = columns.getFieldCount();
        row.setField(reason, decoder.reason() == null ? null : StringData.fromString(decoder.reason().code()));
        row.setField(reason + 1, StringData.fromString(decoder.field()));
        collect(row);
    }

    private static DataType columns(CallContext call, DataTypeFactory types) {
        DataType row = types.createDataType(literal(call, 1));
        if (!(row.getLogicalType() instanceof RowType)) {
            throw new ValidationException("strict-json decodes into a ROW, not into " + row);
        }
        return row;
    }

    private static String literal(CallContext call, int argument) {
        return call.getArgumentValue(argument, String.class)
                .orElseThrow(() -> new ValidationException("the type and the option have to be literals"));
    }

    private static DataType produced(DataType columns) {
        List<DataTypes.Field> fields = new ArrayList<>(DataType.getFields(columns));
        fields.add(DataTypes.FIELD("_reason", DataTypes.STRING()));
        fields.add(DataTypes.FIELD("_field", DataTypes.STRING()));
        return DataTypes.ROW(fields).notNull().bridgedTo(RowData.class);
    }
}

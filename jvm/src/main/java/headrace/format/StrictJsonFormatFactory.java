package headrace.format;

import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;

/** The format {@code strict-json}, found by Flink through its service file. */
public final class StrictJsonFormatFactory implements DeserializationFormatFactory {

    public static final String IDENTIFIER = "strict-json";

    public static final ConfigOption<UnknownFields> UNKNOWN_FIELDS =
            ConfigOptions.key("unknown-fields")
                    .enumType(UnknownFields.class)
                    .defaultValue(UnknownFields.IGNORE)
                    .withDescription("What becomes of a record with fields that are no columns.");

    public static final ConfigOption<Boolean> VERSIONS =
            ConfigOptions.key("versions")
                    .booleanType()
                    .defaultValue(false)
                    .withDescription("Whether each record is a newer version of the row of its key.");

    @Override
    public String factoryIdentifier() {
        return IDENTIFIER;
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(UNKNOWN_FIELDS, VERSIONS);
    }

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        return new StrictJsonFormat(options.get(UNKNOWN_FIELDS), options.get(VERSIONS));
    }
}

package headrace.sink;

import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;

/** The table connector {@code staged}: files that wait for publish, and the chain that names them. */
public final class StagedTableFactory implements DynamicTableSinkFactory {

    static final ConfigOption<String> PATH =
            ConfigOptions.key("path").stringType().noDefaultValue().withDescription("The table's address.");
    static final ConfigOption<String> OUTPUT =
            ConfigOptions.key("output").stringType().noDefaultValue().withDescription("The output's id.");
    static final ConfigOption<String> JOB =
            ConfigOptions.key("job").stringType().noDefaultValue().withDescription("The job's name.");
    static final ConfigOption<String> SUBMISSION =
            ConfigOptions.key("submission")
                    .stringType()
                    .noDefaultValue()
                    .withDescription("One start of the job's main.");
    static final ConfigOption<Long> CLAIM =
            ConfigOptions.key("claim")
                    .longType()
                    .noDefaultValue()
                    .withDescription("The number this submission wrote into the ledger.");
    static final ConfigOption<String> CONTRACT_VERSION =
            ConfigOptions.key("contract-version")
                    .stringType()
                    .noDefaultValue()
                    .withDescription("The contract version the rows are judged by.");
    static final ConfigOption<Long> NUMBERED_FROM =
            ConfigOptions.key("numbered-from")
                    .longType()
                    .defaultValue(0L)
                    .withDescription("The number that the branch has reached, for a start without state.");
    static final ConfigOption<List<String>> DISTINCT =
            ConfigOptions.key("distinct")
                    .stringType()
                    .asList()
                    .defaultValues()
                    .withDescription("Columns whose values do not repeat: written without a dictionary.");

    static final ConfigOption<Boolean> VERSIONS =
            ConfigOptions.key("versions")
                    .booleanType()
                    .defaultValue(false)
                    .withDescription("Whether rows are versions of one another, of which each is kept.");

    @Override
    public String factoryIdentifier() {
        return "staged";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(PATH, OUTPUT, JOB, SUBMISSION, CLAIM, CONTRACT_VERSION);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(NUMBERED_FROM, DISTINCT, VERSIONS);
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validateExcept("parquet."); // Parquet's own; it has no list of them
        ReadableConfig options = helper.getOptions();
        return new StagedTableSink(
                context.getPhysicalRowDataType(),
                context.getCatalogTable().getOptions(),
                options.get(DISTINCT),
                context.getCatalogTable().getPartitionKeys(),
                context.getPrimaryKeyIndexes().length > 0,
                options.get(VERSIONS),
                new OutputIdentity(
                        options.get(PATH),
                        options.get(OUTPUT),
                        options.get(JOB),
                        options.get(SUBMISSION),
                        options.get(CLAIM),
                        options.get(CONTRACT_VERSION),
                        options.get(NUMBERED_FROM)));
    }
}

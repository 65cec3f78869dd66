package headrace.sink;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.CommittableSummary;
import org.apache.flink.streaming.api.connector.sink2.CommittableWithLineage;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Seals one manifest at every barrier, before anything of that checkpoint is committed.
 *
 * <p>It runs once per output and receives every file of every writer. When the aligned barrier
 * arrives, all files of the checkpoint are here: completeness comes from alignment, never from
 * counting. Summaries read after the commit lost files when a checkpoint was aborted or a subtask
 * had finished; sealing here keeps an aborted checkpoint's files in a manifest of their own, which
 * the next completed checkpoint commits with its own.
 *
 * <p>A bounded job seals what is left at the end of its input, for the checkpoint that will follow:
 * whatever is emitted after that point, at the final barrier, no longer reaches a committer.
 */
final class SealOperator extends AbstractStreamOperator<CommittableMessage<Manifest>>
        implements OneInputStreamOperator<
                        CommittableMessage<FileSinkCommittable>, CommittableMessage<Manifest>>,
                BoundedOneInput {

    private static final ListStateDescriptor<String> SEALED =
            new ListStateDescriptor<>("sealed", Types.STRING);

    /** Only reported, never restored: after a restart, Flink's own watermark starts again. */
    private static final ListStateDescriptor<String> WATERMARK =
            new ListStateDescriptor<>("watermark", Types.STRING);

    private final OutputIdentity identity;

    private transient ListState<String> sealedState;
    private transient ListState<String> watermarkState;
    private transient long watermark;
    private transient String parent;
    private transient List<FileSinkCommittable> received;
    private transient long lastCheckpoint;
    private transient long numberedFrom;
    private transient boolean ended;

    SealOperator(OutputIdentity identity) {
        this.identity = identity;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        refuseUnalignedBarriers();
        received = new ArrayList<>();
        lastCheckpoint = context.getRestoredCheckpointId().orElse(0);
        sealedState = context.getOperatorStateStore().getListState(SEALED);
        watermarkState = context.getOperatorStateStore().getListState(WATERMARK);
        watermark = Watermark.UNINITIALIZED.getTimestamp();
        for (String stored : sealedState.get()) {
            parent = identity.manifestOf(stored);
        }
        if (context.isRestored() && parent == null) {
            throw new IllegalStateException(
                    "output "
                            + identity.output()
                            + ": the job was restored, but this output found no state, so its chain of"
                            + " manifests would begin anew beside the published one. Restore from a"
                            + " checkpoint of this job, or start it without state.");
        }
        numberedFrom = parent == null ? identity.numberedFrom() : Manifest.number(parent) - lastCheckpoint;
    }

    private void refuseUnalignedBarriers() {
        Configuration job = getContainingTask().getEnvironment().getJobConfiguration();
        if (!CheckpointingOptions.isCheckpointingEnabled(job)
                || CheckpointingOptions.getCheckpointingMode(job) != CheckpointingMode.EXACTLY_ONCE
                || CheckpointingOptions.isUnalignedCheckpointEnabled(job)) {
            throw new IllegalStateException(
                    "output "
                            + identity.output()
                            + ": a manifest is complete only behind aligned exactly-once barriers."
                            + " Enable checkpoints, unset execution.checkpointing.unaligned.enabled and leave"
                            + " execution.checkpointing.mode at EXACTLY_ONCE.");
        }
    }

    @Override
    public void processElement(StreamRecord<CommittableMessage<FileSinkCommittable>> element) {
        if (element.getValue() instanceof CommittableWithLineage<FileSinkCommittable> file) {
            received.add(file.getCommittable());
        }
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        super.processWatermark(mark);
        watermark = mark.getTimestamp();
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        super.prepareSnapshotPreBarrier(checkpoint);
        if (!ended) {
            seal(checkpoint);
        }
    }

    @Override
    public void endInput() {
        seal(lastCheckpoint + 1);
        ended = true;
    }

    private void seal(long checkpoint) {
        lastCheckpoint = checkpoint;
        Manifest manifest = Manifest.seal(identity, parent, numberedFrom + checkpoint, received);
        received.clear();
        parent = manifest.id();
        output.collect(new StreamRecord<>(new CommittableSummary<>(0, 1, checkpoint, 1, 0)));
        output.collect(new StreamRecord<>(new CommittableWithLineage<>(manifest, checkpoint, 0)));
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        sealedState.update(List.of(identity.stateOf(parent)));
        watermarkState.update(List.of(identity.watermarkState(watermark)));
    }
}

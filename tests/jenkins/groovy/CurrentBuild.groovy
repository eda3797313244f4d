/** `currentBuild`. */
class CurrentBuild {
    private final Job job

    CurrentBuild(Job job) { this.job = job }

    String getDisplayName() { job.trace.display_name }

    void setDisplayName(String name) { job.trace.display_name = name }

    String getDescription() { job.trace.description }

    void setDescription(String text) { job.trace.description = text }

    /** Null until something makes it worse than SUCCESS. */
    String getResult() { job.result == 'SUCCESS' ? null : job.result }

    void setResult(String result) { job.worsen(result) }

    String getCurrentResult() { job.result }

    int getNumber() { job.number as int }

    String getProjectName() { job.jobName }

    String getFullDisplayName() { "${job.jobName} ${displayName}" }

    Map getPreviousBuild() { job.given.previous ? [result: job.given.previous] : null }
}

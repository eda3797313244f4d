/** `params`, `env`, `currentBuild`, `scm`, what the script assigns, and every variable of the job by its bare name. */
class Names extends Binding {
    private final Job job

    Names(Job job, Map<String, Object> ours) {
        super(ours)
        this.job = job
    }

    @Override
    Object getVariable(String name) {
        super.hasVariable(name) || !job.variables().containsKey(name) ? super.getVariable(name) : job.variables()[name]
    }

    @Override
    boolean hasVariable(String name) {
        super.hasVariable(name) || job.variables().containsKey(name)
    }
}

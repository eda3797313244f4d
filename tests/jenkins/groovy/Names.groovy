/** `params`, `env`, `currentBuild`, `scm`, what the script assigns, the library's steps, and every variable of the job. */
class Names extends Binding {
    private final Job job

    Names(Job job, Map<String, Object> ours) {
        super(ours)
        this.job = job
    }

    @Override
    Object getVariable(String name) {
        if (super.hasVariable(name)) {
            return super.getVariable(name)
        }
        job.variables()[name] ?: super.getVariable('runner').libraryStep(name) ?: super.getVariable(name)
    }

    @Override
    boolean hasVariable(String name) {
        super.hasVariable(name) || job.variables().containsKey(name)
    }
}

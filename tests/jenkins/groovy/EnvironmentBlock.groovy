/** environment { NAME = value }: each may use the names before it. */
class EnvironmentBlock {
    final List<Bound> bound = []
    private final Job job
    private final Steps steps
    private final Script script

    EnvironmentBlock(Job job, Steps steps, Script script) {
        this.job = job
        this.steps = steps
        this.script = script
    }

    void read(Closure body) {
        Closure ours = body.rehydrate(this, script, script)
        ours.resolveStrategy = Closure.DELEGATE_ONLY
        ours()
    }

    CredentialsId credentials(String id) { new CredentialsId(id: id) }

    Object methodMissing(String name, Object arguments) { script.invokeMethod(name, arguments) }

    Object propertyMissing(String name) {
        bound*.variables.sum([:])[name] ?: script.getProperty(name)
    }

    void propertyMissing(String name, Object value) {
        bound << (value instanceof CredentialsId ? steps.environmentCredentials(name, value.id) :
            new Bound([(name): value.toString()], []))
    }

    static class CredentialsId {
        String id
    }
}

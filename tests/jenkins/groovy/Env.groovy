/** `env`: reads every variable; what it sets cannot override environment {}. */
class Env {
    private final Job job

    Env(Job job) { this.job = job }

    Object propertyMissing(String name) { job.variables()[name] }

    void propertyMissing(String name, Object value) { job.assigned[name] = value.toString() }
}

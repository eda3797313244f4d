/** The credentials of the job: `id -> [type: 'string' | 'usernamePassword' | 'file' | 'aws', ...]`, as variables. */
class Credentials {
    private final Map<String, Map> known

    Credentials(Map<String, Map> known) {
        this.known = known ?: [:]
    }

    /** What `NAME = credentials('id')` sets: NAME, and NAME_USR and NAME_PSW of a user with a password. */
    Bound environment(String name, String id) {
        Map found = find(id)
        switch (found.type) {
            case 'string': return new Bound([(name): found.secret], [found.secret])
            case 'usernamePassword':
                String both = "${found.username}:${found.password}"
                Map all = [(name): both, (name + '_USR'): found.username, (name + '_PSW'): found.password]
                return new Bound(all, [found.password, both])
            case 'file': return asFile(name, found)
            default: throw new StepFailed("credentials of type ${found.type} cannot be bound in environment")
        }
    }

    /** What one binding of `withCredentials([...])` sets. */
    Bound binding(Map binding) {
        Map found = find(binding.credentialsId)
        switch (binding['$class']) {
            case 'string': return new Bound([(binding.variable): found.secret], [found.secret])
            case 'usernamePassword':
                Map login = [(binding.usernameVariable): found.username, (binding.passwordVariable): found.password]
                return new Bound(login, [found.password])
            case 'file': return asFile(binding.variable, found)
            case 'AmazonWebServicesCredentialsBinding':
                String key = binding.accessKeyVariable ?: 'AWS_ACCESS_KEY_ID'
                String secret = binding.secretKeyVariable ?: 'AWS_SECRET_ACCESS_KEY'
                List<String> values = [found.access_key, found.secret_key]
                return new Bound([(key): values[0], (secret): values[1]], values)
            default: throw new StepFailed("there is no binding ${binding['$class']}")
        }
    }

    private Map find(String id) {
        if (!known[id]) {
            throw new StepFailed("Could not find credentials entry with ID '$id'")
        }
        known[id]
    }

    private static Bound asFile(String name, Map found) {
        File file = File.createTempFile('secret', '')
        file.setText(found.content, 'UTF-8')
        new Bound([(name): file.path], [file.path], file)
    }
}

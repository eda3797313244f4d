// How the body of a step, or of a section of a declarative pipeline, runs: in CPS itself. CpsController has the rest.
def block(String name, List given, Closure body) {
    if (!enter(name, given)) {
        return null
    }
    def value = null
    try {
        value = body()
    } catch (Throwable failure) {
        return failed(name, given, failure)
    }
    return leave(name, value)
}

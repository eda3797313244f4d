/** The job was aborted while a step ran. */
class Aborted extends RuntimeException {
    Aborted() { super('aborted') }
}

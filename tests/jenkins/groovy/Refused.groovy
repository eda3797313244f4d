/** A run that Jenkins would not have started. */
class Refused extends RuntimeException {
    Refused(String message) { super(message) }
}

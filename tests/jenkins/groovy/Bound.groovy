/** Variables, what of them is masked, and a file that goes away with them. */
class Bound {
    final Map<String, String> variables
    final List<String> secrets
    final File file

    Bound(Map<String, String> variables, List<String> secrets, File file = null) {
        this.variables = variables
        this.secrets = secrets
        this.file = file
    }
}

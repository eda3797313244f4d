import javax.xml.XMLConstants
import javax.xml.transform.stream.StreamSource
import javax.xml.validation.SchemaFactory

/** Reads reports as Jenkins does: by the parsers of its plugin warnings-ng, which are a library of their own. */
class Formats {
    private static ClassLoader library

    /** What the parser `format` (native, sarif) of the library in the folder `jars` finds in `file`. */
    static List<Map> issues(String jars, String format, String file) {
        library = library ?: new URLClassLoader(
            new File(jars).listFiles().collect { it.toURI().toURL() } as URL[], ClassLoader.platformClassLoader)
        ClassLoader before = Thread.currentThread().contextClassLoader
        Thread.currentThread().contextClassLoader = library
        try {
            def registry = library.loadClass('edu.hm.hafner.analysis.registry.ParserRegistry').newInstance()
            def reader = library.loadClass('edu.hm.hafner.analysis.FileReaderFactory')
                .getConstructor(java.nio.file.Path).newInstance(new File(file).toPath())
            return registry.get(format).createParser().parse(reader).collect {
                [file: it.fileName, line: it.lineStart, severity: it.severity.name, category: it.category,
                 type: it.type, message: it.message, description: it.description]
            }
        } finally {
            Thread.currentThread().contextClassLoader = before
        }
    }

    /** Why `file` is no XML of `schema` (XSD); empty when it is. */
    static String fault(String schema, String file) {
        try {
            SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(schema)).newValidator()
                .validate(new StreamSource(new File(file)))
        } catch (org.xml.sax.SAXException failure) {
            return failure.message
        }
        ''
    }
}

import groovy.transform.CompileStatic

/** Views of collections that can be written to bytes, as Jenkins has them in the place of Java's (its IteratorHack). */
@CompileStatic // its own calls are not to come back to it
class CpsIterators {
    static Iterator<Object> iterator(List<Object> list) { new Position(list) }

    static Iterator<Object> iterator(Set<Object> set) { new Position(new ArrayList<Object>(set)) }

    static Set<Object> keySet(Map<Object, Object> map) { new LinkedHashSet<Object>(map.keySet()) }

    static Collection<Object> values(Map<Object, Object> map) { new ArrayList<Object>(map.values()) }

    static Set<Object> entrySet(Map<Object, Object> map) {
        Set<Object> entries = new LinkedHashSet<Object>()
        for (Map.Entry<Object, Object> entry : map.entrySet()) {
            entries.add(new AbstractMap.SimpleImmutableEntry<Object, Object>(entry))
        }
        entries
    }

    @CompileStatic
    private static class Position implements Iterator<Object>, Serializable {
        private final List<Object> list
        private int next = 0

        Position(List<Object> list) { this.list = list }

        @Override
        boolean hasNext() { next < list.size() }

        @Override
        Object next() { list.get(next++) }
    }
}

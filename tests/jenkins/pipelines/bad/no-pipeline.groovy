// error: there must be one pipeline block, not 0
node {
    echo 'hello'
}

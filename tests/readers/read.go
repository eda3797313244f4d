// Prints the sha256 and the name of every regular file of a .tar.gz, with Go's own readers and nothing else.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	file, err := os.Open(os.Args[1])
	check(err)
	plain, err := gzip.NewReader(file)
	check(err)
	archive := tar.NewReader(plain)
	for {
		member, err := archive.Next()
		if err == io.EOF {
			break
		}
		check(err)
		if member.Typeflag == tar.TypeReg {
			digest := sha256.New()
			_, err := io.Copy(digest, archive)
			check(err)
			fmt.Printf("%x %s\n", digest.Sum(nil), member.Name)
		}
	}
	_, err = io.Copy(io.Discard, plain)
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

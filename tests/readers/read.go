// Prints the sha256 and the name of every regular file of a .tar.gz, and unpacks it into a folder, with Go's own readers
// and nothing else.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		place := filepath.Join(os.Args[2], member.Name)
		switch member.Typeflag {
		case tar.TypeDir:
			check(os.Mkdir(place, 0o755))
		case tar.TypeSymlink:
			check(os.Symlink(member.Linkname, place))
		case tar.TypeReg:
			digest := sha256.New()
			file, err := os.OpenFile(place, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(member.Mode))
			check(err)
			_, err = io.Copy(io.MultiWriter(digest, file), archive)
			check(err)
			check(file.Close())
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

printf "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n" > m.pt; ptm run m.pt

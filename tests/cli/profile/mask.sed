# Numbers of ptm profile that change from run to run become #; lines about the machine go.
/^machine /d
/^disturbed /d
/^runs when /d
/^cpu  /s/  .*/  .../
s/ *-\{0,1\}[0-9][0-9]*\.[0-9][0-9]*%\{0,1\}/ #/g
/^runs /s/ *[0-9][0-9]*/ #/g

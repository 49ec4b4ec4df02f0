# a comment
1i\
inserted
/fox/c\
changed
$a\
appended
s/dog/cat/w cats.txt
/hello/q5

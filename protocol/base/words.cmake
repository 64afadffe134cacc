# Word list to the lines of a C array: cmake -DLIST=FILE -DOUT=FILE -P words.cmake
# The French list spells accents as letter and combining mark; here they become one character, as
# keyboards and screens have them.
file(READ ${LIST} text)
string(ASCII 239 187 191 bom)
string(REPLACE "${bom}" "" text "${text}")
string(ASCII 204 129 acute)
string(ASCII 204 128 grave)
string(REPLACE "e${acute}" "é" text "${text}")
string(REPLACE "e${grave}" "è" text "${text}")
string(REGEX MATCHALL "[^\r\n]+" words "${text}")
list(LENGTH words count)
if(NOT count EQUAL 2048 OR text MATCHES "[\"\\]|${acute}|${grave}")
  message(FATAL_ERROR "${LIST}: ${count} words, or characters that were not expected")
endif()
list(JOIN words "\",\n\"" lines)
file(WRITE ${OUT} "\"${lines}\"\n")

# Files to C arrays: cmake "-DFILES=name=path;name=path" -DOUT=FILE -P embed.cmake
set(text "#include \"audit/page_assets.h\"\n")
foreach(pair ${FILES})
  string(REGEX MATCH "^([a-z0-9_]+)=(.*)$" match "${pair}")
  set(name ${CMAKE_MATCH_1})
  file(READ ${CMAKE_MATCH_2} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)"
         "\\1\n" bytes "${bytes}")
  string(APPEND text "const unsigned char page_${name}[] = {\n${bytes}0};\n"
         "const size_t page_${name}_len = sizeof page_${name} - 1;\n")
endforeach()
file(WRITE ${OUT} "${text}")

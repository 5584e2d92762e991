#include "model/log_frame.h"

#include <gtest/gtest.h>

#include "base/lz4.h"

namespace fleetmedic {
namespace {

LogFrame GoodFrame() {
  LogFrame frame;
  frame.host = HostId("web-1");
  frame.boot_id = "5d1c0c9e-7a77-4d43-9d6e-2f6f5a0b1c11";
  frame.source = "journal:docker.service";
  frame.first_at = WallFromMillis(1'700'000'000'123);
  frame.lines = 2;
  frame.text = std::string("a\0b\xff\n\r\n", 7);
  return frame;
}

TEST(LogFrame, IsReadBackAsItWasWritten) {
  const LogFrame frame = GoodFrame();
  EXPECT_EQ(LogFrameFrom("web-1", LogFrameHeaders(frame), frame.text), frame);
  LogFrame empty = frame;
  empty.boot_id = "";
  empty.lines = 0;
  empty.text = "";
  EXPECT_EQ(LogFrameFrom("web-1", LogFrameHeaders(empty), ""), empty);
}

TEST(LogFrame, AHeaderThatIsNotKnownIsIgnored) {
  const LogFrame frame = GoodFrame();
  LogFrameHeaderList headers = LogFrameHeaders(frame);
  headers.emplace_back("ce_id", "x");
  EXPECT_EQ(LogFrameFrom("web-1", headers, frame.text), frame);
}

TEST(LogFrame, WhatCannotBeRightIsRefusedWithWhy) {
  const auto why = [](std::string_view key, std::string_view header, std::string_view value,
                      std::string text) {
    LogFrameHeaderList headers = LogFrameHeaders(GoodFrame());
    std::erase_if(headers, [header](const auto& pair) { return pair.first == header; });
    if (value != "(none)") headers.emplace_back(header, value);
    const Result<LogFrame> frame = LogFrameFrom(key, headers, std::move(text));
    EXPECT_EQ(frame.has_value() ? Code::kIo : frame.error().code, Code::kInvalidArgument);
    return frame.has_value() ? std::string("taken") : frame.error().message;
  };
  const std::string good = "a\nb\n";
  EXPECT_EQ(why("", "x", "(none)", good), "expected a host as the key, got \"\"");
  EXPECT_EQ(why("a b", "x", "(none)", good), "expected a host as the key, got \"a b\"");
  EXPECT_EQ(why("web-1", "host", "web-2", good),
            "header host: expected it well formed, got \"web-2\"");
  EXPECT_EQ(why("web-1", "source", "(none)", good), "header source is missing");
  EXPECT_EQ(why("web-1", "source", "a\x1b[31m", good),
            "header source: expected it well formed, got \"a\\x1b[31m\"");
  EXPECT_EQ(why("web-1", "boot_id", std::string(65, 'b'), good),
            "header boot_id: expected it well formed, got \"" + std::string(65, 'b') + "\"");
  EXPECT_EQ(why("web-1", "first_at", "yesterday", good),
            "header first_at: expected it well formed, got \"yesterday\"");
  EXPECT_EQ(why("web-1", "lines", "-2", good), "header lines: expected it well formed, got \"-2\"");
  EXPECT_EQ(why("web-1", "lines", "3", good), "the header says 3 lines, the text has 2");
  EXPECT_EQ(why("web-1", "x", "(none)", "a\nb"), "the text does not end with a line end");
  EXPECT_EQ(why("web-1", "x", "(none)", "a\n" + std::string(8193, 'x') + "\n"),
            "line 2 has 8193 bytes, more than the limit of 8192");
  EXPECT_EQ(why("web-1", "x", "(none)", std::string(256 * 1024 + 1, '\n')),
            "the text has 262145 bytes, more than the limit of 262144");
}

// Texts of every length around those at which the counting and the measuring change their way.
TEST(LogFrame, CountsAndMeasuresTheLinesOfTextsOfAnyLength) {
  for (const size_t line : {0, 1, 30, 31, 32, 255, 256, 4094, 4095, 4096, 8190, 8191, 8192, 8193}) {
    for (const uint32_t lines : {0, 1, 2, 3, 17, 31, 33, 4095, 4096, 4097}) {
      if (lines * (line + 1) > LogFrame::kTextBytesMax) continue;
      LogFrame frame = GoodFrame();
      frame.lines = lines;
      frame.text.clear();
      for (uint32_t i = 0; i < lines; ++i) frame.text.append(line, 'x') += '\n';
      const bool fits = line <= LogFrame::kLineBytesMax || lines == 0;
      const LogFrameHeaderList headers = LogFrameHeaders(frame);
      const Result<LogFrame> read = LogFrameFrom("web-1", headers, frame.text);
      EXPECT_EQ(read.has_value(), fits) << line << " " << lines;
      if (!fits) {
        EXPECT_EQ(read.error().message, "line 1 has 8193 bytes, more than the limit of 8192");
        continue;
      }
      const Result<LogFrame> more = LogFrameFrom("web-1", headers, frame.text + "\n");
      ASSERT_FALSE(more.has_value());
      EXPECT_EQ(more.error().message, "the header says " + std::to_string(lines) +
                                          " lines, the text has " + std::to_string(lines + 1));
    }
  }
}

TEST(LogFrame, IsReadCompressedWhereItsHeaderSaysSo) {
  const LogFrame frame = GoodFrame();
  LogFrameHeaderList headers = LogFrameHeaders(frame);
  headers.emplace_back("content-encoding", "lz4");
  EXPECT_EQ(LogFrameFrom("web-1", headers, Lz4Compress(frame.text)), frame);
  const auto why = [&](std::string value) {
    const Result<LogFrame> read = LogFrameFrom("web-1", headers, std::move(value));
    if (read) return std::string("taken");
    EXPECT_EQ(read.error().code, Code::kInvalidArgument);
    return read.error().message;
  };
  EXPECT_EQ(why(frame.text), "not a sound LZ4 frame: ERROR_frameType_unknown");
  EXPECT_EQ(why(Lz4Compress(frame.text).substr(0, 20)),
            "the LZ4 frame is truncated: it goes on behind its 20 bytes");
  EXPECT_EQ(why(Lz4Compress(std::string(size_t{100} << 20, '\n'))),
            "the LZ4 frame holds 104857600 bytes, more than the limit of 262144 bytes");
  // What is in it is checked as any text is.
  EXPECT_EQ(why(Lz4Compress("a\nb")), "the text does not end with a line end");
  EXPECT_EQ(why(Lz4Compress("a\n" + std::string(8193, 'x') + "\n")),
            "line 2 has 8193 bytes, more than the limit of 8192");
  for (const std::string_view other : {"gzip", "zstd", "LZ4", ""}) {
    headers.back().second = other;
    EXPECT_EQ(why(Lz4Compress(frame.text)),
              "header content-encoding: expected lz4 or no such header, got \"" +
                  std::string(other) + "\"");
  }
}

TEST(LogFrame, TellsHowOftenALineWasWritten) {
  LogFrame frame = GoodFrame();
  EXPECT_EQ(frame.Written(), 2u);
  frame.repeats = {{0, 17}, {1, 2}};
  EXPECT_EQ(frame.Written(), 19u);
  const LogFrameHeaderList headers = LogFrameHeaders(frame);
  EXPECT_EQ(headers.back(), (std::pair<std::string, std::string>{"repeats", "0*17 1*2"}));
  EXPECT_EQ(LogFrameFrom("web-1", headers, frame.text), frame);
  frame.repeats.clear();
  for (const std::string_view wrong :
       {"", "0", "0*1", "*2", "0*", "2*2", "1*2 0*2", "0*2 0*2", "0*2  1*2", "0*-2", "0*2,1*2"}) {
    LogFrameHeaderList bad = LogFrameHeaders(frame);
    bad.emplace_back("repeats", wrong);
    EXPECT_FALSE(LogFrameFrom("web-1", bad, frame.text).has_value()) << wrong;
  }
}

TEST(LogFrame, TellsWhichLinesAreWarningsAndWhetherTheOthersAreKnownToBeNone) {
  LogFrame frame = GoodFrame();
  frame.text = "a\nb\nc\nd\ne\nf\n";
  frame.lines = 6;
  const struct {
    std::vector<LogFrame::LineRun> warnings;
    bool levels_known;
    std::string_view header;
  } cases[] = {{{}, true, "only"},
               {{{0, 0}}, true, "only 0"},
               {{{0, 5}}, true, "only 0-5"},
               {{{0, 0}, {2, 4}}, true, "only 0 2-4"},
               {{{1, 1}, {3, 5}}, false, "1 3-5"}};
  for (const auto& [warnings, levels_known, header] : cases) {
    frame.warnings = warnings;
    frame.levels_known = levels_known;
    const LogFrameHeaderList headers = LogFrameHeaders(frame);
    EXPECT_EQ(headers.back(), (std::pair<std::string, std::string>{"warnings", header}));
    EXPECT_EQ(LogFrameFrom("web-1", headers, frame.text), frame) << header;
  }
  frame.warnings.clear();
  frame.levels_known = false;
  EXPECT_EQ(LogFrameHeaders(frame).back().first, "lines") << "nothing is known: no header";
  std::string many = "only";
  for (size_t i = 0; i <= LogFrame::kWarningRunsMax; ++i) many += " " + std::to_string(2 * i);
  for (const std::string& wrong :
       {std::string(), std::string("only "), std::string("only0"), std::string("ONLY"),
        std::string("6"), std::string("0-6"), std::string("2-1"), std::string("1-1"),
        std::string("0 1"), std::string("3 1"), std::string("0-2 2"), std::string("0  2"),
        std::string("-1"), std::string("1-"), std::string("0,2"), std::string("0-4294967296"),
        std::string("4294967295 0"), many}) {
    LogFrameHeaderList bad = LogFrameHeaders(frame);
    bad.emplace_back("warnings", wrong);
    EXPECT_FALSE(LogFrameFrom("web-1", bad, frame.text).has_value()) << wrong;
  }
}

TEST(LogFrame, TellsTheCgroupsOfProcessesThatCrashed) {
  LogFrame frame = GoodFrame();
  frame.cgroups = {{"12", "/docker/a b"}, {"4242", "/"}};
  const LogFrameHeaderList headers = LogFrameHeaders(frame);
  EXPECT_EQ(headers.back(),
            (std::pair<std::string, std::string>{"cgroups", "12 /docker/a b\n4242 /"}));
  EXPECT_EQ(LogFrameFrom("web-1", headers, frame.text), frame);
  frame.cgroups.clear();
  std::string many;
  for (size_t i = 0; i <= LogFrame::kCgroupsMax; ++i) {
    many += (i == 0 ? "" : "\n") + std::to_string(i) + " /a";
  }
  for (const std::string& wrong :
       {std::string(), std::string("12"), std::string("x /a"), std::string("-1 /a"),
        std::string("12 a"), std::string("12 /a\n"), "12 /" + std::string(512, 'a'), many}) {
    LogFrameHeaderList bad = LogFrameHeaders(frame);
    bad.emplace_back("cgroups", wrong);
    EXPECT_FALSE(LogFrameFrom("web-1", bad, frame.text).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace fleetmedic

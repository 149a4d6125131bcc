// SPDX-License-Identifier: Apache-2.0
// Boost.Asio's own definitions, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
